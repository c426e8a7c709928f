import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { Arena, type Attacker, type Change } from './support/arena.js'

leakCheck()

const userNamespace: Change = (config) => ({
  ...config,
  linux: {
    ...config.linux,
    namespaces: [...(config.linux?.namespaces ?? []), { type: 'user' }],
    uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
    gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  },
})

describeOn(['root', 'bin:busybox'], 'mounts of a running container', () => {
  let arena: Arena
  let source: string

  beforeAll(() => {
    arena = new Arena()
    chmodSync(arena.path, 0o711) // open to users of a user namespace
    source = join(arena.path, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'from the host')
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  const mountPoints = async (attacker: Attacker): Promise<string[]> =>
    (await attacker.exec('cut -d" " -f5 /proc/self/mountinfo')).output.split('\n')

  it.each<[string, Change]>([
    ['with the ids of the host', (config) => config],
    ['in a user namespace', userNamespace],
  ])('come and go: %s', async (_, change) => {
    await using attacker = await arena.start('exec sleep 60', change)
    const { container } = attacker
    await container.addMounts([
      { destination: '/dev/shm/in/side', type: 'bind', source, options: ['bind', 'ro'] },
      { destination: '/dev/shm/own', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'nodev'] },
    ])
    expect(await attacker.exec('cat /dev/shm/in/side/file; touch /dev/shm/in/side/x')).toEqual({
      exitCode: 1,
      output: 'from the hosttouch: /dev/shm/in/side/x: Read-only file system\n',
    })
    expect(
      await attacker.exec('stat -c %u /dev/shm/own; echo new > /dev/shm/own/x; cat /dev/shm/own/x'),
    ).toEqual({
      exitCode: 0,
      output: '0\nnew\n',
    })
    await container.removeMounts(['/dev/shm/in/side', '/dev/shm/own'])
    expect(await mountPoints(attacker)).not.toEqual(
      expect.arrayContaining([expect.stringMatching('/dev/shm/')]),
    )
    await expect(container.removeMounts(['/dev/shm/own'])).rejects.toMatchObject({
      code: 'ERR_RUNTIME_START',
      message: expect.stringMatching(/^cannot unmount \/dev\/shm\/own: .*EINVAL/),
    })
  })

  it('are taken back when one of them fails', async () => {
    await using attacker = await arena.start('exec sleep 60')
    const before = await mountPoints(attacker)
    const fails = attacker.container.addMounts([
      { destination: '/dev/shm/one', type: 'tmpfs' },
      { destination: '/dev/shm/two', type: 'bind', source: '/no/such/source', options: ['bind'] },
    ])
    await expect(fails).rejects.toThrow('/no/such/source')
    expect(await mountPoints(attacker)).toEqual(before)
  })

  it('stay in the container wherever its links lead', async () => {
    const host = join(arena.path, 'host')
    mkdirSync(host)
    await using attacker = await arena.start('exec sleep 60')
    symlinkSync(host, join(attacker.rootfs, 'work/link'))
    await attacker.container.addMounts([
      { destination: '/work/link/deep', type: 'bind', source, options: ['bind'] },
    ])
    expect(readdirSync(host)).toEqual([])
    expect(await attacker.exec(`cat ${host}/deep/file`)).toEqual({ exitCode: 0, output: 'from the host' })
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(`${host}/deep`)
    await attacker.container.removeMounts(['/work/link/deep'])
  })

  it('cannot be over /proc, nor remounts', async () => {
    await using attacker = await arena.start('exec sleep 60')
    const { container } = attacker
    await expect(container.addMounts([{ destination: '/proc/self', type: 'tmpfs' }])).rejects.toThrow(
      'inside /proc',
    )
    await expect(
      container.addMounts([{ destination: '/dev', options: ['remount', 'ro'] }]),
    ).rejects.toMatchObject({ code: 'ERR_RUNTIME_CONFIG' })
    await expect(container.removeMounts(['/'])).rejects.toMatchObject({ code: 'ERR_RUNTIME_START' })
  })

  it('need a container that runs, and has its own', async () => {
    await using ended = await arena.start('true')
    await ended.container.wait()
    await expect(ended.container.addMounts([])).rejects.toMatchObject({ code: 'ERR_RUNTIME_NOT_RUNNING' })
  })
})
