import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import type { Program, Ref } from '@ctr/linux'
import { spawn, type SpawnOptions } from '@ctr/namespaces'
import { createNetworkNamespace } from '@ctr/netbridge'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import type { ConfigProcess } from '../src/oci/config/config.js'
import { noLog } from '../src/oci/log.js'
import { credentialsOf, grantableCapabilities } from '../src/oci/process/credentials.js'
import { setLabels } from '../src/oci/process/labels.js'
import { moveNetDevices } from '../src/oci/process/net-devices.js'
import { openProc } from '../src/oci/process/proc.js'
import { setSysctls } from '../src/oci/process/sysctl.js'

leakCheck()

const process_: ConfigProcess = { args: ['x'], cwd: '/', user: { uid: 0, gid: 0 } }
/** Ids of the host in a user namespace. */
const mapped = { inside: 0, outside: 100000, size: 65536 }
const inUserNamespace: Partial<SpawnOptions> = {
  namespaces: { user: 'new', mount: 'new', pid: 'new', network: 'new', ipc: 'new', uts: 'new' },
  idMaps: { uid: [mapped], gid: [mapped] },
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
