import { existsSync, readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import {
  explain,
  Fd,
  MS_NODEV,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
  pidfdOpen,
  type Program,
} from '@ctr/linux'
import {
  describe as describeSpawn,
  inspectNamespaces,
  listNamespaces,
  pin,
  spawn,
  unpin,
  type NamespaceKind,
  type SpawnOptions,
} from '../src/index.js'

leakCheck()

/** A private view of the mounts with a `/proc` that fits the pid namespace. */
function mountProc(program: Program): void {
  program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
  program.call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
}

async function output(options: SpawnOptions): Promise<string> {
  const child = await spawn({ stdio: ['ignore', 'pipe', 'inherit'], ...options })
  const printed = await text(child.stdout!)
  expect(await child.wait()).toEqual({ exitCode: 0, signal: undefined })
  return printed
}

describeOn(['root'], 'spawn() on the real kernel', () => {
  it('starts in new mount, uts, ipc, pid, network and cgroup namespaces', async () => {
    const kinds: NamespaceKind[] = ['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup']
    const printed = await output({
      command: [
        'sh',
        '-c',
        'hostname; echo $$; ls -1 /sys/class/net | wc -l; for n in mnt uts ipc pid net cgroup; do readlink /proc/self/ns/$n; done',
      ],
      namespaces: Object.fromEntries(kinds.map((kind) => [kind, 'new'])),
      hostname: 'inside',
      prepare: mountProc,
    })
    const lines = printed.trim().split('\n')
    expect(lines.slice(0, 2)).toEqual(['inside', '1'])
    const ours = Object.values(inspectNamespaces())
    for (const line of lines.slice(3)) expect(ours).not.toContain(Number(/\d{6,}/.exec(line)?.[0]))
  })

  it('maps ids in a new user namespace', async () => {
    const printed = await output({
      command: ['sh', '-c', 'id -u; id -g; cat /proc/self/uid_map'],
      namespaces: { user: 'new', mount: 'new', pid: 'new' },
      idMaps: {
        uid: [{ inside: 0, outside: 100000, size: 65536 }],
        gid: [{ inside: 0, outside: 200000, size: 65536 }],
      },
    })
    expect(printed.split(/\s+/).filter(Boolean)).toEqual(['0', '0', '0', '100000', '65536'])
  })

  it('starts many processes with id maps side by side', async () => {
    const all = await Promise.all(
      Array.from({ length: 16 }, () => output({ command: ['id', '-u'], namespaces: { user: 'new' } })),
    )
    expect(all).toEqual(Array.from({ length: 16 }, () => '0\n'))
  })

  it('refuses id maps that the kernel does not take, and leaves nothing', async () => {
    await expect(
      spawn({
        command: ['true'],
        namespaces: { user: 'new' },
        idMaps: {
          uid: [{ inside: 0, outside: 4294967295, size: 1 }],
          gid: [{ inside: 0, outside: 0, size: 1 }],
        },
      }),
    ).rejects.toMatchObject({ name: 'NamespacesError', code: 'ERR_NAMESPACES_ID_MAP' })
  })

  it('offsets the clocks in a new time namespace', async () => {
    const printed = await output({
      command: ['cut', '-d.', '-f1', '/proc/uptime'],
      namespaces: { time: 'new' },
      timeOffsets: { boottimeNs: 1_000_000n * 1_000_000_000n },
    })
    expect(Number(printed)).toBeGreaterThan(1_000_000)
  })

  it('joins the namespaces of a process by pid, pidfd and path', async () => {
    await using target = await spawn({
      command: ['sleep', '60'],
      namespaces: { uts: 'new', pid: 'new', mount: 'new', network: 'new' },
      hostname: 'target',
      prepare: mountProc,
    })
    expect(await output({ command: ['hostname'], namespaces: { uts: { pid: target.pid } } })).toBe('target\n')
    expect(
      await output({ command: ['hostname'], namespaces: { uts: { path: `/proc/${target.pid}/ns/uts` } } }),
    ).toBe('target\n')
    const { pidfd } = target
    const inside = await output({
      command: ['sh', '-c', 'hostname; ls -d /proc/[0-9]* | wc -l; readlink /proc/1/exe | grep -c sleep'],
      namespaces: { uts: { pidfd }, pid: { pidfd }, mount: { pidfd }, network: { pidfd } },
    })
    expect(inside.split('\n')[0]).toBe('target')
    expect(inside.split('\n')[2]).toBe('1')
  })

  it('joins the user namespace of a process as its root', async () => {
    await using target = await spawn({
      command: ['sleep', '60'],
      namespaces: { user: 'new', pid: 'new', mount: 'new' },
      idMaps: {
        uid: [{ inside: 0, outside: 100000, size: 10 }],
        gid: [{ inside: 0, outside: 100000, size: 10 }],
      },
      prepare: mountProc,
    })
    const { pidfd } = target
    const inside = await output({
      command: ['sh', '-c', 'id -u; cat /proc/self/uid_map; kill -0 1 && echo sees-it'],
      namespaces: { user: { pidfd }, pid: { pidfd }, mount: { pidfd } },
    })
    expect(inside.split(/\s+/).filter(Boolean)).toEqual(['0', '0', '100000', '10', 'sees-it'])
  })

  it('gives back failures of every step, and leaves nothing', async () => {
    await expect(spawn({ command: ['does-not-exist'] })).rejects.toMatchObject({
      code: 'ERR_NAMESPACES_COMMAND_NOT_FOUND',
    })
    await expect(spawn({ command: ['/etc/passwd'] })).rejects.toMatchObject({
      code: 'ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE',
    })
    await expect(spawn({ command: [] })).rejects.toMatchObject({ code: 'ERR_NAMESPACES_INVALID_ARG' })
    await expect(spawn({ command: ['true'], cwd: '/does/not/exist' })).rejects.toMatchObject({
      code: 'ERR_NAMESPACES_START',
      cause: { syscall: 'openat2', code: 'ENOENT' },
    })
    await expect(spawn({ command: ['true'], namespaces: { uts: { pid: 4_000_000 } } })).rejects.toMatchObject(
      {
        code: 'ERR_NAMESPACES_NOT_FOUND',
      },
    )
    await using target = await spawn({ command: ['sleep', '60'], namespaces: { pid: 'new' } })
    await expect(
      spawn({ command: ['does-not-exist'], namespaces: { pid: { pidfd: target.pidfd } } }),
    ).rejects.toMatchObject({ code: 'ERR_NAMESPACES_COMMAND_NOT_FOUND' })
  })

  it('gives back the failure of what its caller does meanwhile, also when the child is no more', async () => {
    const kill = process.kill.bind(process)
    const guard = jest.spyOn(process, 'kill').mockImplementation((pid, signal) => {
      if (pid <= 0) throw new Error(`kill(${pid}) would end our own process group`)
      return kill(pid, signal)
    })
    try {
      for (const ended of [false, true]) {
        const meanwhile = async (pid: number): Promise<void> => {
          if (ended) kill(pid, 'SIGKILL')
          while (ended && existsSync(`/proc/${pid}`)) await turn()
          throw new Error('what the caller says')
        }
        const prepare = (_program: Program, pause: () => void): void => pause()
        const spawning = spawn({ command: ['true'], namespaces: { mount: 'new' }, prepare, meanwhile })
        await expect(spawning).rejects.toThrow('what the caller says')
      }
    } finally {
      guard.mockRestore()
    }
  })

  it('does not stop for a child that was killed while another one of ours is in its pid namespace', async () => {
    const spawning = spawn({
      command: ['true'],
      namespaces: { pid: 'new' },
      prepare: (_program, pause) => pause(),
      async meanwhile(pid) {
        using init = new Fd(pidfdOpen(pid))
        const namespaces = { pid: { pidfd: init.number } }
        const inside = await spawn({
          command: ['sleep', '600'],
          namespaces,
          stdio: ['ignore', 'ignore', 'ignore'],
        })
        process.kill(pid, 'SIGKILL') // it ends after all others in there, and this process has to reap one of them
        expect(await inside.wait()).toEqual({ exitCode: undefined, signal: 9 })
        throw new Error('what the caller says')
      },
    })
    await expect(spawning).rejects.toThrow('what the caller says')
  })

  it('drops capabilities, sets no_new_privs and becomes a user with groups', async () => {
    const only = [10]
    const printed = await output({
      command: ['sh', '-c', 'id -u; id -G; grep -E "^(Cap|NoNew)" /proc/self/status'],
      user: { uid: 1234, gid: 1235, groups: [1235, 44] },
      capabilities: { bounding: only, effective: only, permitted: only, inheritable: only, ambient: only },
      noNewPrivileges: true,
    })
    expect(printed).toContain('1234\n1235 44\n')
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      expect(printed).toContain(`Cap${set}:\t0000000000000400`)
    expect(printed).toContain('NoNewPrivs:\t1')
  })

  it('leaks no descriptor, no ignored or blocked signal into the program', async () => {
    const printed = await output({
      command: ['sh', '-c', 'ls /proc/self/fd; grep -E "^Sig(Blk|Ign)" /proc/self/status'],
    })
    expect(printed).toBe('0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n') // 3 is the folder that ls reads
  })

  it('wires pipes, descriptors and crossed streams', async () => {
    const child = await spawn({
      command: ['sh', '-c', 'cat; echo oops >&2; exit 3'],
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin!.end('hello\n')
    const [stdout, stderr, status] = await Promise.all([
      text(child.stdout!),
      text(child.stderr!),
      child.wait(),
    ])
    expect([stdout, stderr, status]).toEqual(['hello\n', 'oops\n', { exitCode: 3, signal: undefined }])
    const null0 = await spawn({
      command: ['sh', '-c', 'read line || exit 9'],
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    expect(await null0.wait()).toEqual({ exitCode: 9, signal: undefined })
    const crossed = await spawn({ command: ['sh', '-c', 'exit 0'], stdio: [0, 2, 1] })
    expect(await crossed.wait()).toEqual({ exitCode: 0, signal: undefined })
  })
})

describeOn(['root'], 'pin() and listNamespaces() on the real kernel', () => {
  it('keeps a namespace after its last process, to be joined by path', async () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/uts`
    {
      await using first = await spawn({
        command: ['sleep', '60'],
        namespaces: { uts: 'new' },
        hostname: 'pinned',
      })
      expect(
        listNamespaces().find(({ kind, pids }) => kind === 'uts' && pids.includes(first.pid))?.pids,
      ).toEqual([first.pid])
      pin({ pid: first.pid }, 'uts', path)
    }
    try {
      expect(await output({ command: ['hostname'], namespaces: { uts: { path } } })).toBe('pinned\n')
    } finally {
      unpin(path)
    }
    unpin(path)
    expect(existsSync(path)).toBe(false)
    expect(() => pin({ pid: 4_000_000 }, 'uts', path)).toThrow(
      expect.objectContaining({ code: 'ERR_NAMESPACES_NOT_FOUND' }),
    )
  })
})

describeOn(['root'], 'describe()', () => {
  it('prints what spawn would do', () => {
    const printed = describeSpawn({
      command: ['/bin/true'],
      env: {},
      hostname: 'x',
      namespaces: { uts: 'new', pid: 'new' },
      stdio: ['ignore', 'ignore', 'ignore'],
    })
      .map(explain)
      .join('')
    expect(printed).toContain('sethostname("x", 1)')
    expect(printed).toContain('execve("/bin/true", ["/bin/true", NULL], [0 variables])')
    expect(readFileSync('/proc/self/comm', 'utf8')).not.toBe('')
  })
})
