import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { executeSync, Program, type Ref } from '@ctr/linux'
import { spawn, type SpawnOptions } from '@ctr/namespaces'
import { createNetworkNamespace } from '@ctr/netbridge'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import type { ConfigProcess } from '../src/oci/config/config.js'
import { noLog } from '../src/oci/log.js'
import { setFinalAffinity, setInitialAffinity } from '../src/oci/process/cpu-affinity.js'
import { credentialsOf, grantableCapabilities, resetSecurebits } from '../src/oci/process/credentials.js'
import { setIoPriority } from '../src/oci/process/io-priority.js'
import { joinSessionKeyring } from '../src/oci/process/keyring.js'
import { setLabels } from '../src/oci/process/labels.js'
import { setMemoryPolicy } from '../src/oci/process/memory-policy.js'
import { moveNetDevices } from '../src/oci/process/net-devices.js'
import { setOomScoreAdj } from '../src/oci/process/oom-score.js'
import { setPersonality } from '../src/oci/process/personality.js'
import { openProc } from '../src/oci/process/proc.js'
import { raiseRlimits, setRlimits } from '../src/oci/process/rlimits.js'
import { setScheduler } from '../src/oci/process/scheduler.js'
import { setSysctls } from '../src/oci/process/sysctl.js'
import { setUmask } from '../src/oci/process/umask.js'
import { setDomainname } from '../src/oci/process/uts.js'

leakCheck()

const process_: ConfigProcess = { args: ['x'], cwd: '/', user: { uid: 0, gid: 0 } }
/** Ids of the host in a user namespace. */
const mapped = { inside: 0, outside: 100000, size: 65536 }
const inUserNamespace: Partial<SpawnOptions> = {
  namespaces: { user: 'new', mount: 'new', pid: 'new', network: 'new', ipc: 'new', uts: 'new' },
  idMaps: { uid: [mapped], gid: [mapped] },
}

/** A process that waits in its namespaces while something is done to it. */
function waiting(meanwhile: (pid: number) => void): Partial<SpawnOptions> {
  return {
    meanwhile,
    prepare: (_, pause) => {
      pause()
    },
  }
}

/** Executes pieces from here, for a process that waits. */
function outside(add: (program: Program) => void): void {
  const program = new Program()
  add(program)
  executeSync(program)
}

/** What a command prints that was started with these pieces. */
async function output(command: string, options: Partial<SpawnOptions>): Promise<string> {
  const child = await spawn({
    command: ['sh', '-c', command],
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
  const printed = await text(child.stdout!)
  expect(await child.wait()).toEqual({ exitCode: 0, signal: undefined })
  return printed.trim()
}

describeOn(['root'], 'attributes of a process', () => {
  it('sets limits, lower hard ones too', async () => {
    const rlimits = [
      { type: 'RLIMIT_SIGPENDING', soft: 100, hard: 200 },
      { type: 'RLIMIT_NOFILE', soft: 16, hard: 16 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ] as const
    const limits = await output('cat /proc/self/limits', {
      ...inUserNamespace,
      ...waiting((pid) => {
        outside((program) => {
          raiseRlimits(program, rlimits, { pid })
        })
      }),
      finish: (program) => {
        setRlimits(program, rlimits)
      },
    })
    expect(limits).toMatch(/^Max pending signals +100 +200 /m)
    expect(limits).toMatch(/^Max open files +16 +16 /m)
    expect(limits).toMatch(/^Max core file size +0 +0 /m)
  })

  it('sets the OOM score, from within and from outside', async () => {
    const before = (program: Program): void => {
      setOomScoreAdj(program, 345)
    }
    const meanwhile = (pid: number): void => {
      outside((program) => {
        setOomScoreAdj(program, 346, pid)
      })
    }
    expect(await output('cat /proc/self/oom_score_adj', { before })).toBe('345')
    expect(await output('cat /proc/self/oom_score_adj', { ...inUserNamespace, ...waiting(meanwhile) })).toBe(
      '346',
    )
  })

  it('sets the umask', async () => {
    const finish = (program: Program): void => {
      setUmask(program, 0o77)
    }
    expect(await output('umask', { finish })).toBe('0077')
  })

  it('sets the execution domain', async () => {
    const finish = (program: Program): void => {
      setPersonality(program, { domain: 'LINUX32' }, noLog)
    }
    const printed = await output('uname -m; cat /proc/self/personality', { finish })
    expect(printed.split('\n')[1]).toBe('00000008')
  })
})

describeOn(['root', 'bin:chrt', 'bin:ionice'], 'scheduling of a process', () => {
  const batch = (program: Program): void => {
    setScheduler(program, { policy: 'SCHED_BATCH', nice: 19 })
  }

  it('sets policy and nice value', async () => {
    const printed = await output('chrt -p $$; ps -o ni= -p $$', { finish: batch })
    expect(printed).toContain('scheduling policy: SCHED_BATCH')
    expect(printed).toMatch(/19$/)
  })

  it('sets a deadline for a process that has joined a pid namespace', async () => {
    const finish = (program: Program): void => {
      setScheduler(program, {
        policy: 'SCHED_DEADLINE',
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
        nice: 19,
        runtime: 42000,
        deadline: 100000,
        period: 1000000,
      })
    }
    const child = await spawn({ command: ['sleep', '60'], finish, namespaces: { pid: 'new' } })
    const joined = await spawn({ command: ['sleep', '60'], finish, namespaces: { pid: { pid: child.pid } } })
    for (const { pid } of [child, joined]) {
      const printed = execFileSync('chrt', ['-p', String(pid)], { encoding: 'utf8' })
      expect(printed).toContain('SCHED_DEADLINE|SCHED_RESET_ON_FORK')
      expect(printed).toContain('42000/100000/1000000')
    }
    joined.kill(9)
    await joined.wait()
    child.kill(9)
    await child.wait()
  })

  it.each([
    ['IOPRIO_CLASS_BE', 'best-effort: prio 4'],
    ['IOPRIO_CLASS_IDLE', 'idle'],
    ['IOPRIO_CLASS_RT', 'realtime: prio 4'],
  ] as const)('sets I/O priority %s, from within and from outside', async (name, printed) => {
    const ioPriority = { class: name, priority: name === 'IOPRIO_CLASS_IDLE' ? 0 : 4 }
    const before = (program: Program): void => {
      setIoPriority(program, ioPriority)
    }
    const meanwhile = (pid: number): void => {
      outside((program) => {
        setIoPriority(program, ioPriority, pid)
      })
    }
    expect(await output('ionice', { before })).toBe(printed)
    expect(await output('ionice', { ...inUserNamespace, ...waiting(meanwhile) })).toBe(printed)
  })

  it('sets the CPUs, and takes back those that it inherited', async () => {
    const shown = 'grep -F Cpus_allowed_list: /proc/self/status | cut -f2'
    const own = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!
    const first = own.split(/[-,]/)[0]!
    const initial = (program: Program): void => {
      setInitialAffinity(program, { initial: first })
      setFinalAffinity(program, { initial: first })
    }
    expect(await output(shown, { before: initial })).toBe(first)
    const reset = (program: Program): void => {
      setInitialAffinity(program, { initial: first })
      setFinalAffinity(program)
    }
    expect(await output(shown, { before: reset })).toBe(own)
  })

  it.each([
    [{ mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] }, /^bind=static:0$/],
    [{ mode: 'MPOL_PREFERRED', nodes: '0', flags: ['MPOL_F_RELATIVE_NODES'] }, /^prefer=relative:0$/],
    [{ mode: 'MPOL_LOCAL' }, /^local$/],
  ] as const)('sets memory policy %j', async (policy, shown) => {
    const finish = (program: Program): void => {
      setMemoryPolicy(program, policy)
    }
    expect(await output('head -n 1 /proc/self/numa_maps | cut -d " " -f 2', { finish })).toMatch(shown)
  })
})

describeOn(['root'], 'credentials of a process', () => {
  const status = "grep -E '^(Cap|NoNewPrivs|Groups|Uid)' /proc/self/status"
  const capabilities = {
    bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_SYSLOG'],
    permitted: ['CAP_KILL', 'CAP_CHOWN'],
    effective: ['CAP_KILL', 'CAP_CHOWN'],
    inheritable: ['CAP_CHOWN', 'CAP_SYSLOG'],
    ambient: ['CAP_CHOWN'],
  } as const

  it.each([false, true])(
    'sets the five sets, user and groups (user namespace: %s)',
    async (userNamespace) => {
      const config = {
        ...process_,
        user: { uid: 1000, gid: 1000, additionalGids: [2000, 3000] },
        capabilities,
        noNewPrivileges: true,
      }
      const printed = await output(status, {
        ...(userNamespace ? inUserNamespace : {}),
        ...credentialsOf(config, { grantable: grantableCapabilities({ userNamespace }), log: noLog }),
        finish: resetSecurebits,
      })
      expect(printed).toContain('CapInh:\t0000000400000001')
      expect(printed).toContain('CapBnd:\t0000000400000021')
      expect(printed).toContain('CapAmb:\t0000000000000001')
      expect(printed).toContain('CapPrm:\t0000000000000001') // of a user that is not root only the ambient ones
      expect(printed).toContain('NoNewPrivs:\t1')
      expect(printed).toMatch(/^Groups:\t2000 3000 ?$/m)
    },
  )

  it('starts although capabilities are asked for that nobody here can grant', async () => {
    const config = {
      ...process_,
      capabilities: {
        bounding: ['CAP_SYS_RESOURCE', 'CAP_KILL'],
        permitted: ['CAP_SYS_RESOURCE', 'CAP_KILL'],
      },
    } as const
    const some = { bounding: new Set([5]), permitted: new Set([5]) }
    const printed = await output(status, credentialsOf(config, { grantable: some, log: noLog }))
    expect(printed).toContain('CapBnd:\t0000000000000020')
    expect(printed).toMatch(/^Groups:\t ?$/m)
  })
})

describeOn(['root'], 'what is set through a procfs that is mounted nowhere', () => {
  it.each([false, true])('sets sysctls of both name forms (user namespace: %s)', async (userNamespace) => {
    const sysctls = {
      'net.ipv4.ip_forward': '1',
      'net/ipv4/ping_group_range': '0 1000',
      ...(userNamespace ? {} : { 'kernel.msgmax': '4096' }),
    }
    const printed = await output(
      'cd /proc/sys; cat net/ipv4/ip_forward net/ipv4/ping_group_range kernel/msgmax',
      {
        namespaces: { mount: 'new', pid: 'new', network: 'new', ipc: 'new' },
        ...(userNamespace ? inUserNamespace : {}),
        prepare: (program) => {
          setSysctls(program, sysctls, openProc(program))
        },
      },
    )
    expect(printed.split(/\s+/)).toEqual(['1', '0', '1000', userNamespace ? '8192' : '4096'])
  })

  it.each([
    ['net.ipv4.nothing', '1', /cannot set the sysctl net.ipv4.nothing: openat2\(.*ENOENT/],
    ['net.ipv4.ip_forward', 'x', /cannot set the sysctl net.ipv4.ip_forward: write\(.*EINVAL/],
  ])('says which sysctl the kernel refuses: %s', async (name, value, message) => {
    const prepare = (program: Program): void => {
      setSysctls(program, { [name]: value }, openProc(program))
    }
    const namespaces = { mount: 'new', pid: 'new', network: 'new' } as const
    await expect(spawn({ command: ['true'], namespaces, prepare })).rejects.toThrow(message)
  })

  it('writes the label of the process itself', async () => {
    // no module here takes this label, and EINVAL is what the kernel says then, whatever modules it has; EPERM or
    // EACCES would mean the file of another process, or one opened before the second program was executed
    const proc = 3
    const keep = (program: Program): Ref => program.call('dup3', [openProc(program), proc, 0])
    const starting = spawn({
      command: ['true'],
      ...inUserNamespace,
      preserveFds: 1,
      prepare: keep,
      finish: (program) => {
        setLabels(program, { selinuxLabel: 'no:such:label' }, proc)
      },
    })
    await expect(starting).rejects.toThrow(
      /cannot set the SELinux label: write\(\$\d+, "no:such:label", 13\): EINVAL/,
    )
  })

  it('sets the domain name', async () => {
    const prepare = (program: Program): void => {
      setDomainname(program, 'example.org')
    }
    expect(await output('cat /proc/sys/kernel/domainname', { namespaces: { uts: 'new' }, prepare })).toBe(
      'example.org',
    )
  })
})

describeOn(['root'], 'joinSessionKeyring() on the real kernel', () => {
  it.each([false, true])('leaves the keyring of the runtime (user namespace: %s)', async (userNamespace) => {
    const id = `ctr-test-${process.pid}`
    const printed = await output('cat /proc/keys', {
      ...(userNamespace ? inUserNamespace : {}),
      finish: (program) => {
        joinSessionKeyring(program, { id, userNamespace })
      },
    })
    expect(printed).toMatch(new RegExp(`${userNamespace ? '3f130008' : '3f1b0000'} .* _ses\\.${id}:`))
  })
})

describeOn(['root', 'bin:ip'], 'moveNetDevices() on the real kernel', () => {
  it('says which device could not be moved, and why', () => {
    using netns = createNetworkNamespace()
    expect(() => {
      moveNetDevices({ nosuch0: { name: 'eth0' } }, netns.fd)
    }).toThrow('cannot move network device "nosuch0" into the container: cannot find link nosuch0: ENODEV')
  })
})

describeOn(['root'], 'listenFds() in a process of its own', () => {
  it('counts sockets that were handed over, and nothing of Node', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ctr-listen-'))
    const source = join(import.meta.dirname, '../src/oci/process/listen-fds.ts')
    using program = bundle(
      `import { listenFds } from ${JSON.stringify(source)}\nconsole.log(JSON.stringify(listenFds()))\n`,
    )
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve))
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const run = (stdio: number[]): unknown =>
      JSON.parse(
        execFileSync(process.execPath, [program.path], {
          stdio: ['ignore', 'pipe', 'inherit', ...stdio],
          env: { LISTEN_FDS: '1' },
          encoding: 'utf8',
        }),
      )
    const env = ['LISTEN_FDS=1', 'LISTEN_PID=1']
    expect(run([fd])).toEqual({ count: 1, env })
    expect(run([])).toEqual({ count: 0, env })
    await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true })
  })
})
