import { chmodSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { closeFd, pidfdOpen } from '@ctr/linux'
import { spawn } from '@ctr/namespaces'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { runHooks, type RunHooksOptions } from '../../src/oci/hooks/run-hooks.js'
import { noLog } from '../../src/oci/log.js'
import { failure, shell, stateOf } from '../support/hooks.js'

leakCheck()

describeOn(['root'], 'runHooks() in a container', () => {
  it("joins its namespaces, where paths and process ids are the container's", async () => {
    using folder = temporaryFolder()
    const inside = join(folder.path, 'rootfs')
    await using container = await spawn({
      command: ['sleep', '60'],
      namespaces: { pid: 'new', mount: 'new', uts: 'new' },
      hostname: 'inside',
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    const state = { ...stateOf(folder.path), pid: container.pid }
    const pidfd = pidfdOpen(container.pid)
    mkdirSync(inside)
    try {
      const script = `cat > ${inside}/state; hostname > ${inside}/hostname; env > ${inside}/env; readlink /proc/self/ns/uts > ${inside}/uts; readlink /proc/self/ns/pid > ${inside}/pid; pwd > ${inside}/cwd`
      await runHooks('createContainer', [shell(script)], state, {
        log: noLog,
        inContainer: { pidfd, kinds: ['pid', 'mount', 'uts'], env: { ONLY: 'this' }, cwd: inside },
      })
      const read = (name: string): string => readFileSync(join(inside, name), 'utf8')
      expect(JSON.parse(read('state'))).toEqual({ ...state, status: 'created', pid: 1 })
      expect(read('hostname')).toBe('inside\n')
      expect(read('env')).toContain('ONLY=this\n')
      expect(read('env')).not.toContain('HOME=')
      expect(read('uts').trim()).toBe(readlinkSync(`/proc/${container.pid}/ns/uts`))
      expect(read('cwd')).toBe(`${inside}\n`)
      const slow = shell(`sleep 60 & echo $! > ${inside}/child; wait`, { timeout: 1 })
      const options = { log: noLog, inContainer: { pidfd, kinds: ['pid', 'mount'] as const } }
      expect(await failure([slow], 'startContainer', options, state)).toBe(
        'error running startContainer hook #0: /bin/sh: timed out after 1 s',
      )
      expect(container.kill(0)).toBe(true) // the container is not what was killed
    } finally {
      closeFd(pidfd)
    }
  })

  it('has the credentials of the container, its filter included', async () => {
    using folder = temporaryFolder()
    await using container = await spawn({
      command: ['sleep', '60'],
      namespaces: { mount: 'new' },
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    chmodSync(folder.path, 0o777)
    const state = { ...stateOf(folder.path), pid: container.pid }
    // BPF: load the number of the call; kill the process on mkdir and mkdirat, allow the others
    const filter = Buffer.alloc(4 * 8)
    const calls = process.arch === 'x64' ? [83, 258] : [34, 34]
    const put = (index: number, code: number, jt: number, jf: number, k: number): void => {
      filter.writeUInt16LE(code, index * 8)
      filter.writeUInt8(jt, index * 8 + 2)
      filter.writeUInt8(jf, index * 8 + 3)
      filter.writeUInt32LE(k, index * 8 + 4)
    }
    const program = Buffer.concat([filter, Buffer.alloc(8)])
    put(0, 0x20, 0, 0, 0)
    put(1, 0x15, 2, 0, calls[0]!)
    put(2, 0x15, 1, 0, calls[1]!)
    put(3, 0x06, 0, 0, 0x7fff0000)
    filter.copy(program)
    program.writeUInt16LE(0x06, 32)
    program.writeUInt32LE(0x80000000, 36)
    const options: RunHooksOptions = {
      log: noLog,
      inContainer: {
        pidfd: container.pidfd,
        kinds: ['mount'],
        user: { uid: 1234, gid: 1234, groups: [] },
        noNewPrivileges: true,
        seccomp: program,
      },
    }
    await runHooks('startContainer', [shell(`id -u > ${folder.path}/uid`)], state, options)
    expect(readFileSync(join(folder.path, 'uid'), 'utf8')).toBe('1234\n')
    const hook = shell(`exec mkdir ${folder.path}/made`)
    expect(await failure([hook], 'startContainer', options, state)).toBe(
      'error running startContainer hook #0: /bin/sh: signal: bad system call',
    )
  })
})
