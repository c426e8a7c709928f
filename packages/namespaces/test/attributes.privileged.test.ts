import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import { spawn, type SpawnOptions } from '../src/index.js'

leakCheck()

/** Ids of the host in a user namespace. */
const mapped = { inside: 0, outside: 100000, size: 65536 }
const inUserNamespace: Partial<SpawnOptions> = {
  namespaces: { user: 'new', mount: 'new', pid: 'new', ipc: 'new', uts: 'new' },
  idMaps: { uid: [mapped], gid: [mapped] },
}

/** What a command prints that was started so. */
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

describeOn(['root', 'bin:prlimit'], 'attributes of a process', () => {
  it.each([{}, inUserNamespace])('sets limits, lower hard ones too (%j)', async (where) => {
    const rlimits = [
      { type: 'RLIMIT_SIGPENDING', soft: 100, hard: 200 },
      { type: 'RLIMIT_NOFILE', soft: 16, hard: 16 },
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    ] as const
    const printed = await output('cat /proc/self/limits; prlimit --nofile --raw --noheadings', {
      ...where,
      rlimits,
    })
    expect(printed).toMatch(/^Max pending signals +100 +200 /m)
    expect(printed).toMatch(/^Max open files +16 +16 /m)
    expect(printed).toMatch(/^Max core file size +0 +0 /m)
    expect(printed).toMatch(/^NOFILE .* 16 16/m)
  })

  it.each([{}, inUserNamespace])(
    'sets the OOM score, also where nobody inside may lower it (%j)',
    async (where) => {
      expect(await output('cat /proc/self/oom_score_adj', { ...where, oomScoreAdj: 345 })).toBe('345')
    },
  )

  it('sets umask, execution domain, host and domain name', async () => {
    const printed = await output(
      'umask; cat /proc/self/personality /proc/sys/kernel/hostname /proc/sys/kernel/domainname',
      {
        umask: 0o77,
        personality: 'LINUX32',
        namespaces: { uts: 'new' },
        hostname: 'box',
        domainname: 'example.org',
      },
    )
    expect(printed.split('\n')).toEqual(['0077', '00000008', 'box', 'example.org'])
  })

  it('gives its streams to its user', async () => {
    const user = { uid: 1234, gid: 1235, groups: [] }
    expect(
      await output('echo open >/dev/stdout; stat -Lc %u:%g /proc/self/fd/1', { user, ownStreams: true }),
    ).toBe('open\n1234:1235')
  })

  it.each([{}, inUserNamespace])('leaves our session keyring (%j)', async (where) => {
    const name = `ctr-test-${process.pid}`
    const searchable = 'namespaces' in where
    const printed = await output('cat /proc/keys', { ...where, sessionKeyring: { name, searchable } })
    expect(printed).toMatch(new RegExp(`${searchable ? '3f130008' : '3f1b0000'} .* ${name}:`))
  })

  it('is sent a signal when its parent ends, also as another user', async () => {
    using program = bundle(`
import { spawn } from '@ctr/namespaces'
const user = { uid: 1234, gid: 1234, groups: [] }
const child = await spawn({ command: ['sleep', '600'], stdio: ['ignore', 'ignore', 'ignore'], user, parentDeathSignal: 9 })
process.stdout.write(String(child.pid), () => process.exit())
`)
    const pid = execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
    for (let n = 0; n < 1500 && state(pid) !== undefined && state(pid) !== 'Z'; n++) await sleep(25)
    expect([undefined, 'Z']).toContain(state(pid))
  })
})

function state(pid: string): string | undefined {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1]
  } catch {
    return undefined
  }
}

describeOn(['root', 'bin:chrt', 'bin:ionice'], 'scheduling of a process', () => {
  it('sets policy and nice value', async () => {
    const printed = await output('chrt -p $$; ps -o ni= -p $$', {
      scheduler: { policy: 'SCHED_BATCH', nice: 19 },
    })
    expect(printed).toContain('scheduling policy: SCHED_BATCH')
    expect(printed).toMatch(/19$/)
  })

  it('sets a deadline, also for a process that has joined a pid namespace', async () => {
    const options: SpawnOptions = {
      command: ['sleep', '60'],
      scheduler: {
        policy: 'SCHED_DEADLINE',
        flags: ['SCHED_FLAG_RESET_ON_FORK'],
        nice: 19,
        runtime: 42000,
        deadline: 100000,
        period: 1000000,
      },
    }
    await using child = await spawn({ ...options, namespaces: { pid: 'new' } })
    await using joined = await spawn({ ...options, namespaces: { pid: { pid: child.pid } } })
    for (const { pid } of [child, joined]) {
      const printed = execFileSync('chrt', ['-p', String(pid)], { encoding: 'utf8' })
      expect(printed).toContain('SCHED_DEADLINE|SCHED_RESET_ON_FORK')
      expect(printed).toContain('42000/100000/1000000')
    }
  })

  it.each([
    ['IOPRIO_CLASS_BE', 'best-effort: prio 4'],
    ['IOPRIO_CLASS_IDLE', 'idle'],
    ['IOPRIO_CLASS_RT', 'realtime: prio 4'],
  ] as const)('sets I/O priority %s, also in a user namespace', async (name, printed) => {
    const ioPriority = { class: name, priority: name === 'IOPRIO_CLASS_IDLE' ? 0 : 4 }
    expect(await output('ionice', { ioPriority })).toBe(printed)
    expect(await output('ionice', { ...inUserNamespace, ioPriority })).toBe(printed)
  })

  it('sets the CPUs, and takes back those that it inherited', async () => {
    const shown = 'grep -F Cpus_allowed_list: /proc/self/status | cut -f2'
    const own = /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1]!
    const first = Number(own.split(/[-,]/)[0])
    expect(await output(shown, { cpuAffinity: { initial: [first] } })).toBe(String(first))
    expect(await output(shown, { cpuAffinity: { initial: [first], final: 'all' } })).toBe(own)
    expect(await output(shown, { ...inUserNamespace, cpuAffinity: { final: [first] } })).toBe(String(first))
  })

  it.each([
    [{ mode: 'MPOL_BIND', nodes: [0], flags: ['MPOL_F_STATIC_NODES'] }, /^bind=static:0$/],
    [{ mode: 'MPOL_PREFERRED', nodes: [0], flags: ['MPOL_F_RELATIVE_NODES'] }, /^prefer=relative:0$/],
    [{ mode: 'MPOL_LOCAL' }, /^local$/],
  ] as const)('sets memory policy %j', async (memoryPolicy, shown) => {
    expect(await output('head -n 1 /proc/self/numa_maps | cut -d " " -f 2', { memoryPolicy })).toMatch(shown)
  })
})
