import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { openCgroup } from '@ctr/cgroups'
import { LayerStore, VolumeStore } from '@ctr/overlay'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { cgroupIds, cgroupOf, makeCgroup } from '../src/container/cgroups.js'
import { Context } from '../src/context.js'
import { OciRuntime, Runtime } from '../src/index.js'
import type { Config } from '../src/oci/config/config.js'
import { defaultConfig } from '../src/oci/config/default-config.js'
import { removeCgroup } from '../src/setup/made-cgroup.js'

const MiB = 2 ** 20
const quiet = ['ignore', 'ignore', 'inherit'] as const
let folder: ReturnType<typeof temporaryFolder>
let rootfs: string

beforeAll(() => {
  folder = temporaryFolder('ctr-systemd-')
  rootfs = join(folder.path, 'bundle/rootfs')
  mkdirSync(join(rootfs, 'bin'), { recursive: true })
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  for (const name of ['sh', 'sleep', 'cat']) symlinkSync('busybox', join(rootfs, 'bin', name))
})
afterAll(() => {
  folder[Symbol.dispose]()
})
leakCheck() // after the hooks above, so that it does not see the folder

const cgroupFile = (path: string, name: string) =>
  readFileSync(join('/sys/fs/cgroup', path, name), 'utf8').trim()
const show = (unit: string, ...names: string[]) =>
  execFileSync('systemctl', ['show', unit, ...names.map((name) => `--property=${name}`)], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .sort()

describeOn(['root', 'cgroup2', 'bin:busybox'], 'OciRuntime with the systemd cgroup manager', () => {
  const open = () => OciRuntime.open({ root: join(folder.path, 'state'), cgroupManager: 'systemd' })
  const bundleOf = (id: string, more: Partial<Config['linux']> = {}, annotations = {}): string => {
    const config = defaultConfig({ cgroupNamespace: true })
    const text = {
      ...config,
      annotations,
      process: { ...config.process!, terminal: false, rlimits: [], args: ['sleep', '600'] },
      linux: { ...config.linux, cgroupsPath: `ctrpods-a.slice:ctr:${id}`, ...more },
    }
    writeFileSync(join(folder.path, 'bundle/config.json'), JSON.stringify(text))
    return join(folder.path, 'bundle')
  }
  afterAll(() => {
    execFileSync('systemctl', ['stop', 'ctrpods.slice'])
  })

  it('makes a scope, which the container is in before it executes anything', async () => {
    const runtime = open()
    const bundle = bundleOf(
      'box',
      { resources: { memory: { limit: 64 * MiB }, pids: { limit: 1 }, cpu: { quota: 12_345 } } },
      { 'org.systemd.property.TimeoutStopSec': '7', 'org.systemd.property.CollectMode': "'inactive'" },
    )
    const box = await runtime.create('box', { bundle, stdio: quiet })
    const path = '/ctrpods.slice/ctrpods-a.slice/ctr-box.scope'
    expect(box.processes()).toEqual([box.pid])
    expect(cgroupFile(path, 'cgroup.procs')).toBe(String(box.pid))
    expect(cgroupFile(path, 'cpu.max')).toBe('13000 100000')
    expect(show('ctr-box.scope', 'MemoryMax', 'TasksMax', 'TimeoutStopUSec', 'CollectMode', 'Slice')).toEqual(
      [
        'CollectMode=inactive',
        `MemoryMax=${64 * MiB}`,
        'Slice=ctrpods-a.slice',
        'TasksMax=1',
        'TimeoutStopUSec=7s',
      ],
    )
    await box.start()

    const found = open().container('box') // as another process would
    await found.update({ pids: { limit: 4 }, memory: { limit: 96 * MiB } })
    expect([cgroupFile(path, 'pids.max'), cgroupFile(path, 'memory.max')]).toEqual(['4', String(96 * MiB)])
    expect(show('ctr-box.scope', 'TasksMax')).toEqual(['TasksMax=4'])
    const process = {
      ...defaultConfig({ cgroupNamespace: true }).process!,
      terminal: false,
      rlimits: [],
      args: ['cat', '/proc/self/cgroup'],
    }
    const executed = await found.exec({ process, stdio: quiet })
    expect(await executed.wait()).toMatchObject({ exitCode: 0 })
    await found.pause()
    expect(found.state().status).toBe('paused')
    await found.resume()
    expect(found.stats().pids.current).toBe(1)
    await found.delete({ force: true })
    expect(existsSync(`/sys/fs/cgroup${path}`)).toBe(false)
    expect(show('ctr-box.scope', 'LoadState')).toEqual(['LoadState=not-found'])
  })

  it('deletes a container whose scope systemd has taken away, and one that never started', async () => {
    const runtime = open()
    const bundle = bundleOf('short')
    const short = await runtime.create('short', { bundle, stdio: quiet })
    await short.start()
    short.kill(9)
    await short.wait()
    await short.delete()
    const never = await runtime.create('short', { bundle, stdio: quiet })
    await never.delete()
    expect(show('ctr-short.scope', 'LoadState')).toEqual(['LoadState=not-found'])
    expect(runtime.list()).toEqual([])
  })

  it('leaves nothing when a container cannot be made', async () => {
    const runtime = open()
    const wrong = bundleOf('wrong', { resources: { unified: { 'memory.oom.group': 'x' } } })
    await expect(runtime.create('wrong', { bundle: wrong, stdio: quiet })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_LIMIT',
    })
    const hidden = bundleOf('wrong', {}, { 'org.systemd.property.PIDs': '[uint32 1]' })
    await expect(runtime.create('wrong', { bundle: hidden, stdio: quiet })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_CONFIG',
    })
    const path = bundleOf('wrong', { cgroupsPath: '/not/for/systemd' })
    await expect(runtime.create('wrong', { bundle: path, stdio: quiet })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_CONFIG',
    })
    expect(show('ctr-wrong.scope', 'LoadState')).toEqual(['LoadState=not-found'])
    expect(runtime.list()).toEqual([])
  })
})

describeOn(['root', 'cgroup2'], 'cgroups of Runtime with systemd', () => {
  it('are scopes where Docker would have them, and those of both drivers are found', async () => {
    const folders = { root: join(folder.path, 'runtime'), state: join(folder.path, 'runtime-state') }
    const runtime = await Runtime.open(folders)
    expect(runtime.cgroupDriver).toBe('systemd')
    await runtime.close()
    const stores = {
      layers: await LayerStore.open(join(folders.root, 'overlay')),
      volumes: await VolumeStore.open(join(folders.root, 'volumes')),
    }
    const [ours, others] = [
      new Context(folders, stores),
      new Context(folders, stores, { cgroupDriver: 'cgroupfs' }),
    ]
    const ids = ['a'.repeat(64), 'b'.repeat(64)] as const
    const make = (context: Context, id: string) => makeCgroup(context, id, {}, { pids: { limit: 20 } })
    const first = (await make(ours, ids[0]))!
    const child = spawn('sleep', ['600'])
    first.cgroup.add(child.pid!)
    await first.joined()
    const second = (await make(others, ids[1]))!
    const paths = [`/system.slice/${ours.instance}-${ids[0]}.scope`, `/${ours.instance}/${ids[1]}`]
    expect([first, second].map(({ cgroup }) => cgroup.path)).toEqual(paths)
    for (const path of paths) expect(cgroupFile(path, 'pids.max')).toBe('20')
    for (const context of [ours, others]) {
      expect(cgroupIds(context).sort()).toEqual(ids)
      expect(ids.map((id) => cgroupOf(context, id)?.path)).toEqual(paths)
    }
    await first.cgroup.kill()
    // by what was made, not by a look for it: systemd takes the scope away once nobody is left in it
    for (const { cgroup } of [first, second]) await removeCgroup(cgroup)
    expect(cgroupIds(ours)).toEqual([])
    await openCgroup(`/${ours.instance}`).remove()
    await Promise.all([ours.close(), others.close()])
  })
})
