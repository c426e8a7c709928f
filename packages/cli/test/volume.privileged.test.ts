import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'ctrjs volume', () => {
  const suite = setUp()
  const run = (...command: readonly string[]): ReturnType<typeof suite.ctrjs.run> =>
    suite.ctrjs.run(...command)

  it('makes, lists, shows, uses and removes volumes as docker does', async () => {
    expect(await run('volume', 'create', '--label', 'a=b', 'data')).toEqual({
      code: 0,
      stdout: 'data\n',
      stderr: '',
    })
    const anonymous = (await run('volume', 'create')).stdout.trim()
    expect(anonymous).toMatch(/^[0-9a-f]{64}$/)
    expect((await run('volume', 'ls')).stdout).toMatch(/^DRIVER +VOLUME NAME\n/)
    expect((await run('volume', 'ls', '-q')).stdout).toBe(`${[anonymous, 'data'].sort().join('\n')}\n`)
    const [shown] = JSON.parse((await run('volume', 'inspect', 'data')).stdout) as [Record<string, unknown>]
    expect(shown).toMatchObject({ Name: 'data', Driver: 'local', Labels: { a: 'b' }, Scope: 'local' })
    expect(await run('volume', 'inspect', 'nosuch')).toMatchObject({
      code: 1,
      stdout: '[]\n',
      stderr: 'ctrjs: no such volume: nosuch\n',
    })

    const container = ['run', '--name', 'box', '--network', 'none', '-v', 'data:/data', '-v', '/scratch']
    const script = 'echo kept > /data/file; echo x > /scratch/x; cat /data/file'
    expect(await run(...container, suite.image, 'sh', '-c', script)).toMatchObject({
      code: 0,
      stdout: 'kept\n',
    })
    const [box] = JSON.parse((await run('inspect', 'box')).stdout) as [{ Mounts: unknown[] }]
    expect(box.Mounts).toMatchObject([
      { Type: 'volume', Name: 'data', Destination: '/data' },
      { Type: 'volume', Destination: '/scratch' },
    ])
    expect(await run('volume', 'rm', 'data')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is in use by') as unknown,
    })
    const volumes = (await run('volume', 'ls', '-q')).stdout.trim().split('\n')
    expect(volumes).toHaveLength(3)
    await run('rm', '-v', 'box')
    expect((await run('volume', 'ls', '-q')).stdout.trim().split('\n')).toHaveLength(2)

    expect(await suite.ctrjs.feed('n\n', 'volume', 'prune')).toMatchObject({ code: 1 })
    expect(await run('volume', 'prune', '-f')).toMatchObject({ stdout: `Deleted Volumes:\n${anonymous}\n\n` })
    const read = ['run', '--rm', '--network', 'none', '-v', 'data:/data:ro', suite.image, 'cat', '/data/file']
    expect(await run(...read)).toMatchObject({ code: 0, stdout: 'kept\n' })
    expect(await run('volume', 'rm', 'data', 'nosuch')).toMatchObject({
      code: 1,
      stdout: 'data\n',
      stderr: 'ctrjs: no such volume: nosuch\n',
    })
    expect(await run('volume', 'rm', '-f', 'nosuch')).toMatchObject({ code: 0 })
    expect((await run('volume', 'ls', '-q')).stdout).toBe('')
  })
})
