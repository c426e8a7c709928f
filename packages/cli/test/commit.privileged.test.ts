import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(120_000)
leakCheck()

describeOn(needs, 'ctrjs commit, diff, export and import', () => {
  const suite = setUp()
  const run = (...args: string[]): ReturnType<typeof suite.ctrjs.run> =>
    suite.ctrjs.run('run', '--rm', '--network', 'none', ...args)
  const id = /^sha256:[0-9a-f]{64}\n$/

  it('make images of what a container has written', async () => {
    const script = 'echo changed >/etc/motd; mkdir /new; echo a >/new/a'
    await suite.ctrjs.run('run', '--name', 'writer', '--network', 'none', suite.image, 'sh', '-c', script)
    expect(await suite.ctrjs.run('diff', 'writer')).toEqual({
      code: 0,
      stdout: 'C /etc\nC /etc/motd\nA /new\nA /new/a\n',
      stderr: '',
    })
    const changes = ['-c', 'CMD ["cat", "/new/a", "/etc/motd"]', '--change', 'LABEL by=us']
    const committed = await suite.ctrjs.run('commit', '-a', 'us', '-m', 'why', ...changes, 'writer', 'made:1')
    expect(committed).toEqual({ code: 0, stdout: expect.stringMatching(id), stderr: '' })
    expect(await run('made:1')).toEqual({ code: 0, stdout: 'a\nchanged\n', stderr: '' })
    const archive = join(suite.folder, 'root.tar')
    expect(await suite.ctrjs.run('export', '-o', archive, 'writer')).toMatchObject({ code: 0, stderr: '' })
    expect(statSync(archive).mode & 0o777).toBe(0o600)
    const imported = await suite.ctrjs.run('import', '-c', 'ENV PATH=/bin', archive, 'made:2')
    expect(imported).toEqual({ code: 0, stdout: expect.stringMatching(id), stderr: '' })
    expect(await run('made:2', 'cat', '/etc/motd')).toEqual({ code: 0, stdout: 'changed\n', stderr: '' })
    for (const name of ['made:1', 'made:2'])
      expect(await suite.ctrjs.run('rmi', name)).toMatchObject({ code: 0 })
    expect(await suite.ctrjs.run('rm', 'writer')).toMatchObject({ code: 0 })
  })

  it('say what cannot be', async () => {
    expect(await suite.ctrjs.run('commit', 'no-such')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot find container no-such'),
    })
    expect(await suite.ctrjs.feed('rubbish', 'import', '-')).toMatchObject({ code: 1 })
    expect(await suite.ctrjs.run('import', '/no/such.tar')).toMatchObject({ code: 1 })
    expect(await suite.ctrjs.run('import', '-c', 'RUN make', '/no/such.tar')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('RUN make'),
    })
    expect((await suite.ctrjs.run('images', '-q')).stdout.trim().split('\n')).toHaveLength(1)
  })
})
