import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'ctrjs network', () => {
  const suite = setUp()
  const run = (...command: readonly string[]): ReturnType<typeof suite.ctrjs.run> =>
    suite.ctrjs.run(...command)

  it('makes, lists, shows, uses and removes networks as docker does', async () => {
    const created = await run('network', 'create', '--subnet', '10.141.0.0/24', '--label', 'a=b', 'back')
    expect(created).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f]{64}\n$/), stderr: '' })
    expect(await run('network', 'create', 'back')).toMatchObject({ code: 1 })
    expect((await run('network', 'ls')).stdout).toMatch(
      /^NETWORK ID +NAME +DRIVER +SCOPE\n[0-9a-f]{12} +back +bridge/,
    )

    const place = 'back,ip=10.141.0.9,alias=db'
    expect(
      await run('run', '-d', '--name', 'box', '--network', place, suite.image, 'sleep', '60'),
    ).toMatchObject({
      code: 0,
    })
    const [shown] = JSON.parse((await run('network', 'inspect', 'back')).stdout) as [Record<string, unknown>]
    expect(shown).toMatchObject({
      Name: 'back',
      Driver: 'bridge',
      Labels: { a: 'b' },
      IPAM: { Config: [{ Subnet: '10.141.0.0/24', Gateway: '10.141.0.1' }] },
    })
    expect(Object.values(shown['Containers'] as object)).toMatchObject([
      { Name: 'box', IPv4Address: '10.141.0.9/24' },
    ])
    const { stdout: explained } = await run('network', 'explain', 'back')
    expect(explained).toContain('Network back: bridge, 10.141.0.0/24 (gateway 10.141.0.1)')
    expect(explained).toMatch(/\n {2}-> eth0 of box \(10\.141\.0\.9|\n {5}eth0 of box \(10\.141\.0\.9/)
    expect(explained).toMatch(/chain forward .*\n {4}iifname \. oifname @inside accept\n/)
    expect(JSON.parse((await run('network', 'explain', '--json', 'back')).stdout)).toMatchObject({
      info: { name: 'back' },
      warnings: [],
    })
    expect(await run('network', 'explain', 'nope')).toMatchObject({ code: 1 })
    expect(await run('network', 'rm', 'back')).toMatchObject({ code: 1 })

    await run('network', 'create', '--ipv6', 'more')
    expect(await run('network', 'connect', '--alias', 'api', 'more', 'box')).toMatchObject({
      code: 0,
      stderr: '',
    })
    expect((await run('exec', 'box', 'cat', '/proc/net/if_inet6')).stdout).toMatch(/^fd.* eth1$/m)
    const [box] = JSON.parse((await run('inspect', 'box')).stdout) as [Record<string, Record<string, object>>]
    expect(box['HostConfig']).toMatchObject({ NetworkMode: 'back' })
    expect(Object.keys(box['NetworkSettings']!['Networks']!)).toEqual(['back', 'more'])
    expect(await run('network', 'disconnect', 'back', 'box')).toMatchObject({ code: 0 })
    expect(await run('network', 'prune', '-f')).toMatchObject({ stdout: 'Deleted Networks:\nback\n\n' })
    await run('rm', '-f', 'box')
    expect(await run('network', 'rm', 'more', 'nosuch')).toMatchObject({
      code: 1,
      stdout: 'more\n',
      stderr: 'ctrjs: cannot find network nosuch: there is none\n',
    })
    expect((await run('network', 'ls', '-q')).stdout).toBe('')
  })
})
