import { mkdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { MNT_DETACH, mount, umount2 } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { callApi, type Answer } from './support/call-api.js'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

describeOn(needs, 'the bodies of the API of Engine', () => {
  afterAll(() => umount2(`${suite.folder}/outer/inner`, MNT_DETACH))
  const suite = setUp()
  const create = (body: object): Promise<Answer> =>
    callApi(suite.socket, 'POST', '/containers/create', JSON.stringify({ Image: image, ...body }))
  /** What a container of that body prints. */
  const run = async (command: string, body: object): Promise<string> => {
    const { status, body: answer } = await create({ Cmd: ['sh', '-c', command], ...body })
    expect({ status, answer }).toMatchObject({ status: 201 })
    const { Id } = JSON.parse(answer) as { readonly Id: string }
    try {
      return await suite.ok('start', '-a', Id)
    } finally {
      await suite.ok('rm', '-f', Id)
    }
  }
  const message = ({ status, body }: Answer): readonly [number, string] => [
    status,
    (JSON.parse(body) as { readonly message: string }).message,
  ]

  beforeAll(() => {
    mkdirSync(`${suite.folder}/outer/inner`, { recursive: true })
    mount('tmpfs', `${suite.folder}/outer/inner`, 'tmpfs', 0)
    mkdirSync(`${suite.folder}/outer/inner/seen`)
  })

  it('hide and protect the paths that they name, in the place of the usual ones', async () => {
    const look = 'wc -c </proc/cpuinfo; ls /proc/tty | wc -l; ls -d /proc/acpi /proc/sys 2>/dev/null | wc -l'
    const named = { MaskedPaths: ['/proc/cpuinfo', '/proc/tty', '/proc/no-such'] }
    expect(await run(look, { HostConfig: named })).toMatch(/^0\n0\n/)
    const CapAdd = ['NET_ADMIN']
    const write = '(echo 1 >/proc/sys/net/ipv4/ip_forward) 2>&1; cat /proc/sys/net/ipv4/ip_forward'
    expect(await run(write, { HostConfig: { CapAdd, ReadonlyPaths: ['/proc/irq'] } })).toBe('1')
    expect(await run(write, { HostConfig: { CapAdd, MaskedPaths: [] } })).toMatch(/Read-only/)
    for (const path of ['/etc/passwd', '/proc/self/root', '/proc/net/tcp'])
      expect(message(await create({ HostConfig: { MaskedPaths: [path] } }))).toEqual([
        400,
        expect.stringContaining(`cannot hide "${path}"`),
      ])
  })

  it('take a folder without what is mounted below it, or with it writable', async () => {
    const Mounts = (BindOptions: object) => [
      { Type: 'bind', Source: `${suite.folder}/outer`, Target: '/outer', ReadOnly: true, BindOptions },
    ]
    const look = 'ls /outer/inner; (mkdir /outer/x) 2>&1; (mkdir /outer/inner/x) 2>&1; rmdir /outer/inner/x'
    expect(await run(`${look} 2>/dev/null; true`, { HostConfig: { Mounts: Mounts({}) } })).toMatch(
      /^seen\n.*Read-only.*\n.*Read-only.*$/,
    )
    expect(
      await run(`${look} 2>/dev/null; true`, { HostConfig: { Mounts: Mounts({ NonRecursive: true }) } }),
    ).toMatch(/^mkdir.*Read-only.*\n.*Read-only.*$/)
    expect(await run(look, { HostConfig: { Mounts: Mounts({ ReadOnlyNonRecursive: true }) } })).toMatch(
      /^seen\nmkdir: .*'\/outer\/x': Read-only.*$/,
    )
    expect(
      await run('ls /outer/inner', { HostConfig: { Mounts: Mounts({ ReadOnlyForceRecursive: true }) } }),
    ).toBe('seen')
  })

  it('have no network where it is disabled', async () => {
    expect(await run('ls /sys/class/net', { NetworkDisabled: true })).toBe('lo')
  })

  it('make terminals of the size that a program is executed with', async () => {
    await suite.ok('run', '-d', '--name', 'sized', '--network', 'none', image, 'sleep', '1000')
    const body = { Cmd: ['stty', 'size'], Tty: true, AttachStdout: true, ConsoleSize: [33, 44] }
    const made = await callApi(suite.socket, 'POST', '/containers/sized/exec', JSON.stringify(body))
    const { Id } = JSON.parse(made.body) as { readonly Id: string }
    const started = await callApi(suite.socket, 'POST', `/exec/${Id}/start`, '{"Tty":true}')
    expect(started.body).toBe('33 44\r\n')
    await suite.ok('rm', '-f', 'sized')
  })

  it('warn of what has no effect', async () => {
    const HostConfig = {
      ...{ KernelMemory: 1, NetworkMode: 'host', PublishAllPorts: true, OomKillDisable: true },
    }
    const { body } = await create({ HostConfig })
    const { Id, Warnings } = JSON.parse(body) as { readonly Id: string; readonly Warnings: string[] }
    expect(Warnings).toEqual([
      expect.stringContaining('KernelMemory has no effect'),
      expect.stringContaining('OOM killer is disabled'),
      'Published ports are discarded when using host network mode',
    ])
    await suite.ok('rm', Id)
  })

  it('keep what changes nothing: the name of the file with the id', async () => {
    const file = `${suite.folder}/cid`
    const id = await suite.ok('create', '--cidfile', file, image)
    expect(readFileSync(file, 'utf8')).toBe(id)
    expect(await suite.ok('inspect', '-f', '{{.HostConfig.ContainerIDFile}}', id)).toBe(file)
    await suite.ok('rm', id)
  })

  const bind = { Type: 'bind', Source: '/', Target: '/x' }
  it.each([
    [{ Cgroup: 'container:x' }, 'HostConfig.Cgroup'],
    [{ CpuCount: 1 }, 'HostConfig.CpuCount'],
    [{ IOMaximumBandwidth: 1 }, 'HostConfig.IOMaximumBandwidth'],
    [{ Isolation: 'hyperv' }, 'HostConfig.Isolation'],
    [{ Runtime: 'kata' }, 'HostConfig.Runtime'],
    [{ VolumeDriver: 'nfs' }, 'HostConfig.VolumeDriver'],
    [{ Mounts: [{ ...bind, VolumeOptions: { NoCopy: true } }] }, 'VolumeOptions is not for type "bind"'],
    [{ Mounts: [{ ...bind, TmpfsOptions: { SizeBytes: 1 } }] }, 'TmpfsOptions is not for type "bind"'],
    [{ Mounts: [{ ...bind, BindOptions: { ReadOnlyNonRecursive: true } }] }, 'the mount is not ReadOnly'],
    [{ Mounts: [{ ...bind, BindOptions: { ReadOnlyForceRecursive: true } }] }, 'the mount is not ReadOnly'],
    [
      {
        Mounts: [
          { ...bind, ReadOnly: true, BindOptions: { NonRecursive: true, ReadOnlyForceRecursive: true } },
        ],
      },
      'NonRecursive or ReadOnlyNonRecursive says otherwise',
    ],
    [{ Mounts: [{ Type: 'cluster', Target: '/x' }] }, '"cluster" is not supported'],
    [
      { Mounts: [{ Type: 'volume', Target: '/x', VolumeOptions: { DriverConfig: { Name: 'nfs' } } }] },
      'plugin "nfs" not found',
    ],
  ])('are refused with %j', async (HostConfig, said) => {
    expect(message(await create({ HostConfig }))).toEqual([400, expect.stringContaining(said)])
  })

  it('are refused where a container is to change what it was made with', async () => {
    await suite.ok('create', '--name', 'made', image)
    for (const [name, value] of Object.entries({ Devices: [{}], OomKillDisable: true, CpuCount: 2 })) {
      const answer = await callApi(
        ...([suite.socket, 'POST', '/containers/made/update', JSON.stringify({ [name]: value })] as const),
      )
      expect(message(answer)).toEqual([400, expect.stringContaining(`${name} cannot be changed`)])
    }
    await suite.ok('rm', 'made')
  })
})
