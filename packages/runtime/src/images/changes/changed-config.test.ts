import { describe, expect, it } from '@jest/globals'
import { changedConfig } from './changed-config.js'

const of = (...changes: readonly string[]): unknown => changedConfig({}, changes)
describe('changedConfig', () => {
  it('takes commands as lists and as lines for the shell', () => {
    expect(of('CMD ["a", "b c"]')).toEqual({ Cmd: ['a', 'b c'] })
    expect(of('cmd a "b" $C')).toEqual({ Cmd: ['/bin/sh', '-c', 'a "b" $C'] })
    expect(changedConfig({ Shell: ['/bin/ash', '-ec'] }, ['ENTRYPOINT exec a'])).toMatchObject({
      Entrypoint: ['/bin/ash', '-ec', 'exec a'],
    })
  })

  it('empties the command with a new entry point, unless the command is new too', () => {
    expect(changedConfig({ Cmd: ['old'] }, ['ENTRYPOINT ["e"]'])).toEqual({ Entrypoint: ['e'], Cmd: [] })
    expect(of('CMD ["c"]', 'ENTRYPOINT ["e"]')).toEqual({ Cmd: ['c'], Entrypoint: ['e'] })
    expect(of('ENTRYPOINT ["e"]', 'CMD ["c"]')).toEqual({ Cmd: ['c'], Entrypoint: ['e'] })
  })

  it('sets variables, in both forms, out of earlier ones', () => {
    const { Env } = changedConfig({ Env: ['PATH=/bin', 'B=old'] }, [
      'ENV PATH=/opt:$PATH B="x  y" C=\'$PATH\' D=a\\ b',
      'ENV E one  two',
      'ENV F=${NONE:-${B}} G=${B:+set} H=${NONE} I="\\$B \\n"',
    ])
    expect(Env).toEqual([
      'PATH=/opt:/bin',
      'B=x  y',
      'C=$PATH',
      'D=a b',
      'E=one  two',
      'F=x  y',
      'G=set',
      'H=',
      'I=$B \\n',
    ])
  })

  it('exposes ports and ranges, once', () => {
    expect(changedConfig({ ExposedPorts: ['80/tcp'] }, ['EXPOSE 80 53/UDP 8000-8002'])).toEqual({
      ExposedPorts: ['80/tcp', '53/udp', '8000/tcp', '8001/tcp', '8002/tcp'],
    })
  })

  it('adds labels, volumes and what waits for a build', () => {
    expect(
      changedConfig({ Labels: { a: '1' }, Volumes: ['/v'] }, [
        'LABEL b=2 "c d"="e=f"',
        'VOLUME ["/w x", "/v"]',
        'VOLUME /y /z',
        'ONBUILD RUN make',
      ]),
    ).toEqual({
      Labels: { a: '1', b: '2', 'c d': 'e=f' },
      Volumes: ['/v', '/w x', '/y', '/z'],
      OnBuild: ['RUN make'],
    })
  })

  it('sets user and folder, the latter from the earlier one', () => {
    expect(changedConfig({ Env: ['U=app'] }, ['USER $U:5', 'WORKDIR a/../b', 'WORKDIR c'])).toMatchObject({
      User: 'app:5',
      WorkingDir: '/b/c',
    })
  })

  it('sets the signal that ends them', () => {
    expect(of('STOPSIGNAL INT')).toEqual({ StopSignal: 'INT' })
  })

  it('sets the check of health, with times in nanoseconds', () => {
    expect(of('HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD curl -f http://x')).toEqual({
      Healthcheck: {
        Test: ['CMD-SHELL', 'curl -f http://x'],
        Interval: 90e9,
        Timeout: 5e8,
        Retries: 3,
      },
    })
    expect(of('HEALTHCHECK CMD ["a"]')).toEqual({ Healthcheck: { Test: ['CMD', 'a'] } })
    expect(of('HEALTHCHECK none')).toEqual({ Healthcheck: { Test: ['NONE'] } })
  })

  it.each([
    'RUN make',
    'CMD',
    '',
    'ENV A',
    'ENV A="open',
    'ENV A=${B:-open',
    'ENV =x',
    'LABEL a',
    'EXPOSE 0',
    'EXPOSE 70000',
    'EXPOSE 9-8',
    'EXPOSE 1/icmp',
    'ONBUILD ONBUILD RUN x',
    'ONBUILD FROM x',
    'VOLUME [""]',
    'HEALTHCHECK curl',
    'HEALTHCHECK --interval=5 CMD x',
    'HEALTHCHECK --every=5s CMD x',
    'HEALTHCHECK --retries=-1 CMD x',
    '__proto__ x',
    'constructor x',
  ])('refuses %j', (change) => {
    expect(() => of(change)).toThrow(expect.objectContaining({ code: 'ERR_RUNTIME_INVALID_ARG' }))
  })
})
