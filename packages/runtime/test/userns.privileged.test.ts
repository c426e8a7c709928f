import { spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { IdPool } from '@ctr/namespaces'
import { bundleFile, describeOn, leakCheck, ordinaryUser, temporaryFolder } from '@ctr/testing'
import { Runtime, type Container, type ContainerRecord, type RunOptions } from '../src/index.js'
import { addBusybox, busybox } from './support/busybox.js'
import { openRuntime } from './support/open-runtime.js'

leakCheck()

const here = fileURLToPath(new URL('.', import.meta.url))
const hostile = 'localhost/hostile:1'
const pool = new IdPool({ folder: '/run/ctrjs-ids' })

let opened: Awaited<ReturnType<typeof openRuntime>>
let runtime: Runtime

const run = (options: Partial<RunOptions>): Promise<Container> =>
  runtime.run({
    image: busybox,
    network: 'none',
    stdout: 'pipe',
    stderr: 'inherit',
    userNamespace: 'auto',
    ...options,
  })

/** What a shell in a container prints. */
async function shell(script: string, options: Partial<RunOptions> = {}): Promise<string> {
  await using container = await run({ command: ['sh', '-c', `{ ${script}; } 2>&1`], ...options })
  const printed = await text(container.stdout!)
  await container.wait()
  return printed.trim()
}

/** What a program executed in a container prints. */
async function executed(container: Container, script: string, user?: string): Promise<string> {
  const child = await container.exec(['sh', '-c', `{ ${script}; } 2>&1`], { stdout: 'pipe', user })
  const printed = await text(child.stdout!)
  await child.wait()
  return printed.trim()
}

const firstOf = ({ userNamespace }: ContainerRecord): number => userNamespace!.uid[0]!.outside

/** Where a file of the container's own layer is on the host. */
const upperOf = (container: Container, path: string): string =>
  `${opened.folder}/root/overlay/roots/${container.inspect().rootId!}/upper${path}`

const ownerOf = (path: string): string => {
  const { uid, gid } = statSync(path)
  return `${uid}:${gid}`
}

const sleeping = { command: ['sleep', '60'], stdout: 'ignore' } as const

describeOn(
  ['root', 'overlay', 'userns', 'bin:busybox', 'bin:useradd'],
  'Runtime with user namespaces',
  () => {
    beforeAll(async () => {
      opened = await openRuntime()
      runtime = opened.runtime
      await addBusybox(runtime, {
        reference: hostile,
        more: [{ type: 'file', path: 'srv/owned', content: 'app\n', mode: 0o640, uid: 1000, gid: 44 }],
      })
    })
    afterAll(async () => {
      await opened[Symbol.asyncDispose]()
    })

    it('maps ids that are nobody on the host, and says so everywhere', async () => {
      await using container = await run({ image: hostile, ...sleeping })
      const first = firstOf(container.inspect())
      expect(first).toBeGreaterThanOrEqual(524_288)
      expect(await executed(container, 'cat /proc/self/uid_map /proc/self/gid_map')).toMatch(
        new RegExp(`^0 +${first} +65536\\n +0 +${first} +65536$`),
      )
      expect(ownerOf(`/proc/${container.pid!}`)).toBe(`${first}:${first}`)
      expect(await executed(container, 'id -u; id -g; echo $PPID; whoami')).toBe('0\n0\n0\nroot')
      expect(await executed(container, 'id -u; id -G', 'app')).toBe('1000\n1000 44')
      expect(readFileSync(`/proc/${container.pid!}/status`, 'utf8')).toMatch(/Seccomp:\t2/)
    })

    it('shows files with the ids of the image inside, and with mapped ones outside', async () => {
      await using container = await run({ image: hostile, ...sleeping })
      const first = firstOf(container.inspect())
      const script =
        'stat -c %u:%g:%a /srv/owned /bin/busybox /; echo more >> /srv/owned; touch /made; mkdir /tmp/d; chown 1000:44 /tmp/d; stat -c %u:%g /srv/owned /made /tmp/d /srv'
      expect(await executed(container, script)).toBe(
        '1000:44:640\n0:0:755\n0:0:755\n1000:44\n0:0\n1000:44\n0:0',
      )
      expect(ownerOf(upperOf(container, '/srv/owned'))).toBe(`${first + 1000}:${first + 44}`)
      expect(ownerOf(upperOf(container, '/made'))).toBe(`${first}:${first}`)
      expect(ownerOf(upperOf(container, '/tmp/d'))).toBe(`${first + 1000}:${first + 44}`)
      expect(ownerOf(upperOf(container, ''))).toBe(`${first}:${first}`)
      expect(await container.changes()).toContainEqual({ kind: 'C', path: '/srv/owned' })
      expect(String(await container.readFile('/srv/owned'))).toBe('app\nmore\n')
      // the same layer, in a container without
      expect(
        await shell('stat -c %u:%g:%a /srv/owned; cat /srv/owned', { image: hostile, userNamespace: 'host' }),
      ).toBe('1000:44:640\napp')
    })

    it('has proc, sysfs, terminals, message queues, shared memory and devices', async () => {
      const script = [
        'for d in /proc /sys /dev/pts /dev/mqueue /dev/shm /sys/fs/cgroup; do grep -q " $d " /proc/mounts || echo no $d; done',
        'touch /dev/mqueue/q /dev/shm/s && stat -c %u /dev/mqueue/q /dev/shm/s',
        'echo x > /dev/null; head -c 3 /dev/zero | wc -c; ls /sys/class/net',
        'cat /proc/sys/net/ipv4/ping_group_range; echo through > /dev/stdout',
      ].join('\n')
      expect(await shell(script)).toMatch(/^0\n0\n3\nlo\n0\s+65535\nthrough$/)
      await using container = await run({
        command: ['sh', '-c', 'tty; stat -c %u:%g /dev/pts/0; echo through > /dev/pts/0; stty size'],
        terminal: { rows: 10, columns: 20 },
      })
      expect((await text(container.terminal!)).replaceAll('\r', '').trim()).toBe(
        '/dev/pts/0\n0:5\nthrough\n10 20',
      )
    })

    it('gives other users their streams and terminals', async () => {
      expect(await shell('echo through > /dev/stdout', { user: 'app' })).toBe('through')
      await using container = await run({ ...sleeping, user: 'app' })
      const child = await container.exec(['sh', '-c', 'echo through > $(tty); stat -c %u $(tty)'], {
        terminal: true,
      })
      expect((await text(child.terminal!)).replaceAll('\r', '').trim()).toBe('through\n1000')
      await child.wait()
    })

    it('logs, ends, and is found by others when it is detached', async () => {
      const container = await run({
        detach: true,
        stdout: 'log',
        stderr: 'log',
        command: ['sh', '-c', 'echo logged > /dev/stdout; sleep 60'],
      })
      await using other = await Runtime.open({ root: runtime.root, state: runtime.state })
      const found = other.container(container.id)
      expect(await executed(found, 'id -u; cat /proc/self/uid_map')).toContain(
        String(firstOf(found.inspect())),
      )
      for (let tries = 0; tries < 100 && (await logOf(found)) === ''; tries++) await sleep(20)
      expect(await logOf(found)).toBe('logged\n')
      await found.remove({ force: true })
      await container.wait()
    })

    it('is connected by the bridge, and is reached by its ports', async () => {
      const host = createServer((socket) => socket.end('host\n')).listen(0, '0.0.0.0')
      await once(host, 'listening')
      const { port } = host.address() as AddressInfo
      await using container = await run({
        network: 'bridge',
        publish: [{ container: 80, hostIp: '127.0.0.1' }],
        command: ['sh', '-c', 'while :; do echo inside | nc -l -p 80; done'],
        stdout: 'ignore',
      })
      const { address, ports } = container.inspect().network
      const script = `hostname -i; nc -w 5 $(ip route | sed -n "s/default via \\([0-9.]*\\).*/\\1/p") ${port} </dev/null; ip link set eth0 mtu 1400 || echo refused`
      expect(await executed(container, script)).toMatch(
        new RegExp(`^${address!}\nhost\n(.*\n)?refused$`, 's'),
      )
      let answer = ''
      for (let tries = 0; tries < 100 && answer === ''; tries++) {
        answer = await text(connect(ports[0]!.host, '127.0.0.1'))
        if (answer === '') await sleep(20)
      }
      expect(answer).toBe('inside\n')
      host.close()
    })

    it('keeps its limits', async () => {
      await using container = await run({ ...sleeping, pids: 5, memory: 2 ** 25 })
      const script =
        'cat /sys/fs/cgroup/pids*/pids.max /sys/fs/cgroup/pids.max; echo 100 > /sys/fs/cgroup/pids/pids.max'
      expect(await executed(container, script)).toMatch(/^5$/m)
      expect(await executed(container, 'for i in 1 2 3 4 5 6; do sleep 5 & done')).toMatch(/fork/)
      expect(container.processes()).toContain(container.pid)
      await container.pause()
      expect(container.isPaused).toBe(true)
      await container.unpause()
      const hog = await shell('head -c 100000000 /dev/zero | tail >/dev/null; echo $?', { memory: 2 ** 24 })
      expect(hog).toMatch(/137|Killed/)
    })

    it('gives volumes the ids of the host, or its own where that is asked for', async () => {
      using folder = temporaryFolder('ctr-userns-')
      const file = `${folder.path}/file`
      writeFileSync(file, 'of root\n', { mode: 0o600 })
      chmodSync(folder.path, 0o755)
      const open = `${folder.path}/open`
      mkdirSync(open)
      chmodSync(open, 0o777)
      const volume = { source: folder.path, target: '/volume' }
      // as the attacker: root of the container, before a file of the host's root
      const attack =
        'stat -c %u:%g /volume/file; cat /volume/file; echo x > /volume/file; chown 0 /volume/file; chmod 777 /volume/file; rm -f /volume/file; touch /volume/open/made'
      const seen = await shell(attack, { volumes: [volume] })
      expect(seen.split('\n')[0]).toBe('65534:65534')
      expect(seen.match(/denied|not permitted/g)).toHaveLength(5)
      expect(readFileSync(file, 'utf8')).toBe('of root\n')
      expect(statSync(`${open}/made`).uid).toBeGreaterThanOrEqual(524_288)
      const mapped = await shell(
        'stat -c %u:%g /volume/file; cat /volume/file; touch /volume/own; chown 1000:44 /volume/own',
        {
          volumes: [{ ...volume, idmap: true }],
        },
      )
      expect(mapped).toBe('0:0\nof root')
      expect(ownerOf(`${folder.path}/own`)).toBe('1000:44')
      const readOnly = await shell('cat /volume/file; touch /volume/more', {
        volumes: [{ ...volume, idmap: true, readOnly: true }],
      })
      expect(readOnly).toMatch(/^of root\n.*Read-only file system$/)
      await expect(
        run({ userNamespace: 'host', volumes: [{ ...volume, idmap: true }] }),
      ).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
        message: expect.stringContaining('userNamespace'),
      })
    })

    it('shows a volume by name alike to containers with different ids', async () => {
      const volumes = [{ volume: 'shared', target: '/data' }]
      {
        await using first = await run({ ...sleeping, volumes })
        await using second = await run({ ...sleeping, volumes })
        expect(firstOf(first.inspect())).not.toBe(firstOf(second.inspect()))
        await executed(first, 'echo shared > /data/made; chown 1000:44 /data/made')
        const look = 'stat -c %u:%g /data /data/made; cat /data/made; rm /data/made'
        expect(await executed(second, look)).toBe('0:0\n1000:44\nshared')
      }
      await runtime.volumes.remove('shared')
    })

    it('uses a folder as root, and the host copy-on-write, with its ids', async () => {
      using folder = temporaryFolder('ctr-userns-')
      chownSync(folder.path, 0, 0)
      chmodSync(folder.path, 0o755)
      mkdirSync(`${folder.path}/bin`)
      writeFileSync(`${folder.path}/bin/sh`, readFileSync('/usr/bin/busybox'), { mode: 0o755 })
      await using container = await run({
        image: undefined,
        rootfs: folder.path,
        command: ['/bin/sh', '-c', 'echo made > /made; exec sleep 60'],
        stdout: 'ignore',
      })
      for (let tries = 0; tries < 100; tries++) {
        if (statSync(`${folder.path}/made`, { throwIfNoEntry: false }) !== undefined) break
        await sleep(20)
      }
      expect(ownerOf(`${folder.path}/made`)).toBe('0:0')
      expect(firstOf(container.inspect())).toBeGreaterThan(0)
      const sandbox = await shell('id -u; stat -c %u /etc/passwd; touch /etc/made && rm /etc/made', {
        image: undefined,
        rootfs: '/',
      })
      expect(sandbox).toBe('0\n0')
    })

    it('never gives the same ids to two, and takes them back', async () => {
      const before = pool.claims().length
      using elsewhere = temporaryFolder('ctr-userns-')
      await using other = await Runtime.open({
        root: `${elsewhere.path}/root`,
        state: `${elsewhere.path}/state`,
        userNamespace: { size: 1000 },
      })
      await addBusybox(other)
      const containers = await Promise.all([
        ...Array.from({ length: 4 }, () => run(sleeping)),
        ...Array.from({ length: 4 }, () =>
          other.run({ image: busybox, network: 'none', ...sleeping, stderr: 'ignore' }),
        ),
      ])
      const ranges = containers
        .map((container) => container.inspect().userNamespace!.uid[0]!)
        .sort((a, b) => a.outside - b.outside)
      ranges.forEach(({ outside, size }, index) => {
        expect(outside + size).toBeLessThanOrEqual(ranges[index + 1]?.outside ?? Infinity)
      })
      expect(new Set(ranges.map(({ size }) => size))).toEqual(new Set([1000, 65_536]))
      await Promise.all(containers.map((container) => container.remove({ force: true })))
      expect(pool.claims()).toHaveLength(before)
      await expect(run({ command: ['no-such-program'] })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_COMMAND_NOT_FOUND',
      })
      expect(pool.claims()).toHaveLength(before)
      await other.reset()
    })

    it('takes maps, and the ids of a user as Docker does', async () => {
      const map = [
        { inside: 0, outside: 700_000, size: 1 },
        { inside: 1000, outside: 800_000, size: 10 },
      ]
      const maps = { uid: map, gid: map }
      await using container = await run({ ...sleeping, userNamespace: maps })
      expect(await executed(container, 'id -u; touch /made', '1003:1001')).toMatch(/^1003\n.*denied$/)
      await expect(container.exec(['true'], { user: '5' })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
        message: expect.stringContaining('user 5: that id is not mapped'),
      })
      await expect(run({ user: '70000' })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
        message: expect.stringContaining('--userns auto:size=N'),
      })
      expect(await shell('id -u', { user: '70000', userNamespace: { size: 70_001 } })).toBe('70000')
      using user = ordinaryUser()
      await using remapped = await Runtime.open({
        root: runtime.root,
        state: runtime.state,
        userNamespace: { user: user.name },
      })
      await using one = await remapped.run({ image: busybox, network: 'none', ...sleeping })
      const line = readFileSync('/etc/subuid', 'utf8')
        .split('\n')
        .find((each) => each.startsWith(`${user.name}:`))
      expect(line).toBe(`${user.name}:${firstOf(one.inspect())}:65536`)
      await using plain = await remapped.run({
        image: busybox,
        network: 'none',
        ...sleeping,
        userNamespace: 'host',
      })
      expect(plain.inspect().userNamespace).toBeNull()
      await expect(run({ userNamespace: { user: 'nobody-there' } })).rejects.toMatchObject({
        code: 'ERR_RUNTIME_INVALID_ARG',
        message: expect.stringContaining('/etc/subuid'),
      })
    })

    it('explains a set-up that joins the user namespace', async () => {
      const before = pool.claims()
      const explained = await runtime.explain({ image: busybox, userNamespace: 'auto' })
      expect(explained).toContain('join the user namespace')
      expect(pool.claims()).toEqual(before)
    })

    it('keeps root inside from what root outside may, whatever it is given', async () => {
      const name = readFileSync('/proc/sys/kernel/hostname', 'utf8')
      const everything = { capAdd: ['ALL'], seccomp: 'unconfined' } as const
      const script = [
        'head -c 4096 /dev/urandom > /tmp/module.ko; insmod /tmp/module.ko',
        'mknod /tmp/disk b 8 0',
        'mount -o remount,rw /proc/sys; echo 1 > /proc/sys/kernel/panic',
        'echo b > /proc/sysrq-trigger',
        'date -s 2020-01-01',
        'mount -t ext4 /dev/vda /tmp',
        'dmesg',
        'swapoff -a; chroot /proc/1/root true; nice -n -20 true',
        'cat /proc/1/environ >/dev/null && echo own',
      ].join('; ')
      const seen = await shell(script, everything)
      expect(seen).toMatch(/insmod: can't insert/) // the kernel of the `cgroup2` machine has modules, and says EPERM
      expect(seen).toMatch(/mknod: .*not permitted/)
      expect(seen).toMatch(/can't create \/proc\/sys\/kernel\/panic: .*(Permission denied|Read-only)/)
      expect(seen).toMatch(/can't create \/proc\/sysrq-trigger: /)
      expect(seen).toMatch(/date: .*not permitted/)
      expect(seen).toMatch(/mount: /)
      expect(seen).toMatch(/own$/)
      expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(name)
    })

    it('gives everything back when its owner was killed', async () => {
      using worker = bundleFile(join(here, 'support', 'crash-worker.ts'))
      const before = pool.claims().length
      for (let round = 0; round < 15; round++) {
        const args = [worker.path, 'isolate', runtime.root, runtime.state, busybox]
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
        await once(child.stdout, 'data')
        await sleep(Math.random() * 80)
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await using again = await Runtime.open({ root: runtime.root, state: runtime.state })
      expect(again.failedCleanUps).toEqual([])
      for (const container of again.containers()) await container.remove()
      expect(pool.claims()).toHaveLength(before)
    })
  },
)

async function logOf(container: Container): Promise<string> {
  let log = ''
  for await (const { bytes } of container.logs()) log += bytes.toString()
  return log
}
