import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import type { ConfigResources } from '../src/oci/config/config-resources.js'
import { CtrRuntime } from './support/ctr-runtime.js'
import { busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'
import { TestBundle } from './support/oci-container.js'

leakCheck()

const MiB = 2 ** 20
/** What a container sees of its own group, which is the top of its cgroup namespace. */
const files = ['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max']
const show = `cat /proc/self/cgroup; cd /sys/fs/cgroup; cat ${files.join(' ')}`

describeOn(['root', 'cgroup2', 'overlay', 'bin:busybox'], 'Runtime on v2', () => {
  let opened: Awaited<ReturnType<typeof openRuntime>>
  beforeAll(async () => {
    opened = await openRuntime()
  })
  afterAll(async () => {
    await opened[Symbol.asyncDispose]()
  })

  it('limits a container, which sees so and cannot change it', async () => {
    await using container = await opened.runtime.run({
      image: busybox,
      network: 'none',
      stdout: 'pipe',
      stderr: 'inherit',
      memory: 64 * MiB,
      pids: 32,
      cpus: 0.5,
      command: ['sh', '-c', `${show}; (echo max >pids.max) 2>&1`],
    })
    expect(await text(container.stdout!)).toMatch(
      new RegExp(`^0::/\n${64 * MiB}\nmax\n32\n50000 100000\n.*Read-only file system\n$`),
    )
    expect(await container.wait()).toMatchObject({ exitCode: 1, oomKilled: false })
  })

  it('isolates the ids of a container, whose root loads no modules', async () => {
    const script = [
      'cat /proc/self/uid_map; ls -ld /etc/motd /made 2>&1; touch /made; stat -c %u /made /etc/motd',
      'ls /sys/fs/cgroup/pids.max /dev/mqueue -d; ip link add name d0 type bridge && echo bridge',
      // one that may load modules is told that this is none
      'head -c 4096 /dev/urandom >/tmp/module.ko; insmod /tmp/module.ko; dmesg >/dev/null; echo through >/dev/stdout',
    ].join('\n')
    await using container = await opened.runtime.run({
      image: busybox,
      stdout: 'pipe',
      stderr: 'pipe',
      pids: 32,
      userNamespace: 'auto',
      capAdd: ['ALL'],
      seccomp: 'unconfined',
      command: ['sh', '-c', `{ ${script}\n} 2>&1`],
    })
    const seen = await text(container.stdout!)
    expect(seen).toMatch(/^ +0 +524288 +65536\n/)
    expect(seen).toMatch(/\n0\n0\n\/dev\/mqueue\n\/sys\/fs\/cgroup\/pids.max\n/)
    expect(seen).toMatch(/insmod: .*not permitted/)
    expect(seen).toMatch(/\nthrough\n$/)
  })

  it('reports the out-of-memory kill', async () => {
    await using container = await opened.runtime.run({
      image: busybox,
      network: 'none',
      memory: 16 * MiB,
      command: ['sh', '-c', 'exec tail /dev/zero'],
    })
    expect(await container.wait()).toMatchObject({ signal: 9, oomKilled: true })
  })

  it('counts, executes inside, and allows only the usual devices', async () => {
    await using container = await opened.runtime.run({
      image: busybox,
      network: 'none',
      pids: 20,
      command: ['sh', '-c', 'exec sleep 1000'],
    })
    expect(container.stats().pids).toMatchObject({ current: 1, limit: 20, limitHits: 0 })
    expect(container.stats().memory!.usage).toBeGreaterThan(0)
    const inside = await container.exec(['sh', '-c', 'cat /proc/self/cgroup; : </dev/null && echo null'], {
      stdout: 'pipe',
    })
    expect(await text(inside.stdout!)).toBe('0::/\nnull\n')
    await inside.wait()
    const another = await container.exec(['sh', '-c', 'mknod /kmsg c 1 11 && (: </kmsg) 2>&1'], {
      stdout: 'pipe',
    })
    expect(await text(another.stdout!)).toContain("can't open /kmsg: Operation not permitted")
    await another.wait()
    await container.pause()
    expect(container.isPaused).toBe(true)
    await container.unpause()
    container.kill('SIGKILL')
    expect(await container.wait()).toMatchObject({ signal: 9 })
  })
})

describeOn(['root', 'cgroup2', 'bin:busybox'], 'OciRuntime on v2', () => {
  const resources: ConfigResources = {
    memory: { limit: 64 * MiB, swap: 96 * MiB },
    pids: { limit: 32 },
    cpu: { shares: 1024, quota: 50_000, period: 100_000 },
    devices: [
      { allow: false, access: 'rwm' },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
    ],
  }
  const namespaces = (['pid', 'mount', 'ipc', 'uts', 'network', 'cgroup'] as const).map((type) => ({ type }))
  const mounts = [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] }]

  it('mounts cgroup2 where the config says cgroup, with the limits and device rules of the config', async () => {
    using bundle = new TestBundle()
    const script = `${show}; busybox mknod /tmp/kmsg c 1 11 && (: </tmp/kmsg) 2>&1; : </dev/null && echo null`
    expect(await bundle.output(script, { mounts, linux: { namespaces, resources } })).toBe(
      `0::/\n${64 * MiB}\n${32 * MiB}\n32\n50000 100000\nsh: can't open /tmp/kmsg: Operation not permitted\nnull`,
    )
  })

  it('updates, freezes, counts and tells of missing memory', async () => {
    using bundle = new TestBundle()
    const container = await bundle.start('busybox sleep 1; exec busybox tail /dev/zero', {
      mounts,
      linux: { namespaces, resources },
    })
    const folder = `/sys/fs/cgroup${cgroupOf(container.pid)}`
    const read = (file: string) => readFileSync(`${folder}/${file}`, 'utf8').trim()
    await container.pause()
    expect(read('cgroup.events')).toContain('frozen 1')
    expect(container.state().status).toBe('paused')
    await container.update({ memory: { limit: 32 * MiB, swap: 32 * MiB }, pids: { limit: 10 } })
    expect(['memory.max', 'memory.swap.max', 'pids.max', 'cpu.max'].map(read)).toEqual([
      String(32 * MiB),
      '0',
      '10',
      '50000 100000',
    ])
    const stats = container.stats()
    expect(stats.pids).toMatchObject({ limit: 10 })
    expect(stats.memory.usage.limit).toBe(32 * MiB)
    const kinds = new Set<string>()
    const watched = (async () => {
      for await (const { type } of container.events({ intervalMs: 200 })) kinds.add(type)
    })()
    await container.resume()
    expect(await container.wait()).toMatchObject({ signal: 9 })
    await watched
    expect([...kinds].sort()).toEqual(['oom', 'stats'])
    await container.delete()
    expect(existsSync(folder)).toBe(false)
  })
})

describeOn(['root', 'cgroup2', 'bin:busybox'], 'ctr-runtime on v2', () => {
  it('runs a bundle with limits at the path of its config', () => {
    using folder = temporaryFolder()
    const runtime = new CtrRuntime(folder.path, { built: true })
    const path = runtime.bundle('limited', ['sh', '-c', show])
    const file = join(path, 'config.json')
    const config = JSON.parse(readFileSync(file, 'utf8')) as { linux: object }
    const resources = { memory: { limit: 64 * MiB, swap: 64 * MiB }, pids: { limit: 9 } }
    const cgroupsPath = `/ctr-test-${process.pid}-limited`
    writeFileSync(file, JSON.stringify({ ...config, linux: { ...config.linux, cgroupsPath, resources } }))
    expect(runtime.run('run', '--bundle', path, 'limited')).toEqual({
      code: 0,
      stdout: `0::/\n${64 * MiB}\n0\n9\nmax 100000\n`,
      stderr: '',
    })
    expect(existsSync(`/sys/fs/cgroup${cgroupsPath}`)).toBe(false)
  })
})

function cgroupOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().slice('0::'.length)
}
