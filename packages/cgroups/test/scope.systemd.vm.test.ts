import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import { defaultDeviceRules, openCgroup, type Resources } from '../src/index.js'
import { createScope, scopeOf, type CreateScopeOptions, type Scope } from '../src/systemd/index.js'
import { runInside } from './child.js'

leakCheck()

const MiB = 2 ** 20
let count = 0
let unit: string
let scope: Scope | undefined

beforeEach(() => {
  unit = `ctr-test-${process.pid}-${count++}.scope`
})
afterEach(async () => {
  await scope?.[Symbol.asyncDispose]()
  scope = undefined
})

const create = async (resources?: Resources, options?: CreateScopeOptions): Promise<Scope> =>
  (scope = await createScope(unit, resources, options))
const read = (file: string) => readFileSync(`${scope!.cgroup.folder('memory')!}/${file}`, 'utf8').trim()
const show = (...names: string[]) =>
  Object.fromEntries(
    execFileSync('systemctl', ['show', unit, ...names.map((name) => `--property=${name}`)], {
      encoding: 'utf8',
    })
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/).slice(0, 2)),
  ) as Record<string, string>
/** A process in the scope, which is then no longer kept. */
const inhabit = async (): Promise<ChildProcess> => {
  const child = spawn('sleep', ['600'])
  scope!.cgroup.add(child.pid!)
  await scope!.release()
  return child
}
const gone = async () => {
  for (let round = 0; show('LoadState')['LoadState'] !== 'not-found' && round < 1200; round++) await sleep(50)
  expect(show('LoadState', 'ActiveState')).toEqual({ LoadState: 'not-found', ActiveState: 'inactive' })
}

describeOn(['root', 'cgroup2'], 'createScope() with a real systemd', () => {
  it('limits what systemd has words for, and what it has not, also after systemd was reloaded', async () => {
    await create(
      {
        memory: { limit: 64 * MiB, swap: 96 * MiB, reservation: MiB },
        cpu: { quota: 12_345, period: 100_000, shares: 512, cpus: '0', burst: 1000 },
        pids: { limit: 9 },
        hugepageLimits: [{ pageSize: '2MB', limit: 4 * MiB }],
        unified: { 'memory.high': String(60 * MiB) },
      },
      { description: 'a test', properties: [{ name: 'TimeoutStopUSec', signature: 't', value: 5_000_000n }] },
    )
    expect(scope!.cgroup.path).toBe(`/system.slice/${unit}`)
    expect(
      show(
        'MemoryMax',
        'MemoryHigh',
        'TasksMax',
        'CPUQuotaPerSecUSec',
        'AllowedCPUs',
        'Delegate',
        'Description',
        'TimeoutStopUSec',
      ),
    ).toEqual({
      MemoryMax: String(64 * MiB),
      MemoryHigh: String(60 * MiB),
      TasksMax: '9',
      CPUQuotaPerSecUSec: '130ms',
      AllowedCPUs: '0',
      Delegate: 'yes',
      Description: 'a test',
      TimeoutStopUSec: '5s',
    })
    const limits = () =>
      ['memory.max', 'memory.swap.max', 'memory.low', 'memory.high', 'cpu.max', 'cpu.max.burst', 'cpu.weight', 'cpuset.cpus', 'pids.max', 'hugetlb.2MB.max'].map(read) // prettier-ignore
    const expected = [64 * MiB, 32 * MiB, MiB, 60 * MiB, '13000 100000', 1000, 59, 0, 9, 4 * MiB].map(String)
    expect(limits()).toEqual(expected)
    execFileSync('systemctl', ['daemon-reload'])
    expect(limits()).toEqual(expected)
  })

  it('limits nothing that is not asked for', async () => {
    await create()
    expect(['memory.max', 'pids.max', 'cpu.max'].map(read)).toEqual(['max', 'max', 'max 100000'])
  })

  it('keeps the scope until a process is in it, and ends it with the last one', async () => {
    await create({ pids: { limit: 1 } })
    const [keeper] = scope!.cgroup.processes()
    expect(readFileSync(`/proc/${keeper!}/cmdline`, 'latin1')).toBe('ctr-scope\0')
    const { pid, line, end } = runInside(scope!.cgroup, 'echo in; exec sleep 600')
    expect(await line).toBe('in')
    await scope!.release()
    expect(existsSync(`/proc/${keeper!}`)).toBe(false)
    expect(scope!.cgroup.processes()).toEqual([pid])
    expect(show('ActiveState')).toEqual({ ActiveState: 'active' })
    process.kill(pid)
    await end
    await gone()
    await scope!.remove()
  })

  it('takes a scope away when its maker is killed before anybody is in it', async () => {
    using program = bundle(`
      import { createScope } from '@ctr/cgroups/systemd'
      await createScope(process.argv[2]!)
      console.log('made')
      setInterval(() => undefined, 1000)
    `)
    const maker = spawn(process.execPath, [program.path, unit], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(maker.stdout, 'data')
    expect(show('ActiveState')).toEqual({ ActiveState: 'active' })
    maker.kill('SIGKILL')
    await gone()
  })

  it('allows the devices of its rules and no others', async () => {
    await create({ devices: defaultDeviceRules })
    const { line, end } = runInside(
      scope!.cgroup,
      'for d in /dev/null /dev/zero /dev/vda /dev/kmsg; do (: <$d) 2>/dev/null && echo -n "$d "; done; echo; exec sleep 600',
    )
    expect(await line).toBe('/dev/null /dev/zero ')
    await scope!.update({ devices: [{ allow: true, type: 'c', major: 1, minor: 5, access: 'rwm' }] })
    expect(show('DevicePolicy', 'DeviceAllow')).toEqual({
      DevicePolicy: 'strict',
      DeviceAllow: '/dev/char/1:5 rwm',
    })
    await scope!.cgroup.kill()
    expect(await end).toBe('SIGKILL')
  })

  it('changes limits, for systemd too', async () => {
    await create({ memory: { limit: 64 * MiB }, cpu: { quota: 50_000 } })
    await inhabit()
    await scope!.update({
      memory: { limit: 128 * MiB, swap: 256 * MiB },
      cpu: { period: 50_000 },
      pids: { limit: 5 },
    })
    const limits = () => ['memory.max', 'memory.swap.max', 'cpu.max', 'pids.max'].map(read)
    const expected = [String(128 * MiB), String(128 * MiB), '50000 50000', '5']
    expect(limits()).toEqual(expected)
    await scope!.update({ memory: { swap: 192 * MiB }, cpu: { quota: 'max' } })
    // without a quota systemd writes the usual period
    expected.splice(1, 2, String(64 * MiB), 'max 100000')
    execFileSync('systemctl', ['daemon-reload'])
    expect(limits()).toEqual(expected)
    const refused = scope!.update({ memory: { limit: 4096, checkBeforeUpdate: true } })
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CGROUP_REFUSED' })
    expect(show('MemoryMax')).toEqual({ MemoryMax: String(128 * MiB) })
  })

  it('is found again by its cgroup, and removed', async () => {
    await create()
    await inhabit()
    const found = scopeOf(openCgroup(scope!.cgroup.paths))
    expect(found.unit).toBe(unit)
    await expect(found.remove({ timeoutMs: 0 })).rejects.toMatchObject({ code: 'ERR_CGROUP_BUSY' })
    await found.cgroup.freeze()
    await found[Symbol.asyncDispose]()
    await gone()
    await found.remove()
  })

  it('makes slices as it goes', async () => {
    await create({}, { slice: 'ctrtest-a.slice' })
    expect(scope!.cgroup.path).toBe(`/ctrtest.slice/ctrtest-a.slice/${unit}`)
    await scope![Symbol.asyncDispose]()
    scope = undefined
    execFileSync('systemctl', ['stop', 'ctrtest.slice'])
  })

  it('refuses a name that is taken, and leaves its owner alone', async () => {
    await create()
    const child = await inhabit()
    await expect(createScope(unit)).rejects.toMatchObject({
      code: 'ERR_CGROUP_EXISTS',
      message: expect.stringContaining(unit),
    })
    expect(scope!.cgroup.processes()).toEqual([child.pid])
  })

  it.each<[string, Resources, CreateScopeOptions, string]>([
    ['systemd does not know a property', {}, { properties: [{ name: 'NoSuch', signature: 's', value: '' }] }, 'ERR_CGROUP_REFUSED'], // prettier-ignore
    ['systemd does not take a value', {}, { properties: [{ name: 'KillMode', signature: 's', value: 'no' }] }, 'ERR_CGROUP_REFUSED'], // prettier-ignore
    ['the kernel does not take a value', { unified: { 'memory.oom.group': 'x' } }, {}, 'ERR_CGROUP_REFUSED'],
    ['the kernel has no such file', { unified: { 'memory.nonsense': '1' } }, {}, 'ERR_CGROUP_UNSUPPORTED'],
    ['a controller is missing', { unified: { 'nonsense.max': '1' } }, {}, 'ERR_CGROUP_NO_CONTROLLER'],
    ['the slice is none', {}, { slice: 'a--b.slice' }, 'ERR_CGROUP_INVALID_ARG'],
  ])('leaves nothing when %s', async (_, resources, options, code) => {
    await expect(createScope(unit, resources, options)).rejects.toMatchObject({ code })
    await gone()
  })

  it('talks to systemd itself where there is no bus', async () => {
    process.env['DBUS_SYSTEM_BUS_ADDRESS'] = 'unix:path=/nowhere'
    try {
      await create({ pids: { limit: 3 } })
      expect(read('pids.max')).toBe('3')
      await inhabit()
      await scope!.update({ pids: { limit: 4 } })
      expect(read('pids.max')).toBe('4')
      await scope![Symbol.asyncDispose]()
      await gone()
    } finally {
      delete process.env['DBUS_SYSTEM_BUS_ADDRESS']
    }
  })

  it('does what the README shows', () => {
    const readme = readFileSync('packages/cgroups/README.md', 'utf8')
    const example = [...readme.matchAll(/```js\n(.*?)```/gs)][2]![1]!
    expect(example).toContain('createScope')
    using program = bundle(example)
    expect(execFileSync(process.execPath, [program.path], { encoding: 'utf8' })).toBe('')
    expect(existsSync('/sys/fs/cgroup/demo.slice/demo-1.scope')).toBe(false)
    execFileSync('systemctl', ['stop', 'demo.slice'])
  })

  it('makes many at once', async () => {
    const names = Array.from({ length: 8 }, (_, index) => unit.replace('.scope', `-${index}.scope`))
    const scopes = await Promise.all(names.map((name) => createScope(name)))
    expect(scopes.map(({ cgroup }) => cgroup.processes().length)).toEqual(names.map(() => 1))
    await Promise.all(scopes.map((one) => one[Symbol.asyncDispose]()))
  })
})
