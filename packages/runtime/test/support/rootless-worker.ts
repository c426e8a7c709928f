// Runs as an ordinary user: `check FOLDER` tries what containers can do there and prints what it saw as JSON;
// `hold FOLDER` runs three containers, prints their processes and waits to be killed; `after FOLDER` opens the same
// folder again; `oci FOLDER` takes a bundle from create to delete; `network FOLDER` publishes ports by what there is;
// `limits FOLDER` runs containers with limits in a delegated group; `stored FOLDER STRATEGY` changes a root and packs it.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { findIdMaps, openUserNamespace } from '@ctr/namespaces'
import { LayerStore, type MountStrategy } from '@ctr/overlay'
import { defaultConfig, isRuntimeError, OciRuntime, Runtime, type RunOptions } from '../../src/index.js'
import { addBusybox, busybox } from './busybox.js'

const [, , mode, folder, storage] = process.argv as [
  string,
  string,
  string,
  string,
  MountStrategy | undefined,
]
const folders = { root: join(folder, 'root'), state: join(folder, 'state') }
const runtime = await Runtime.open({ ...folders, storage })

/** What a shell in a container prints. */
async function shell(script: string, options: RunOptions = {}): Promise<string> {
  await using container = await runtime.run({
    image: busybox,
    command: ['sh', '-c', `{ ${script}; } 2>&1`],
    network: 'none',
    stdout: 'pipe',
    ...options,
  })
  const printed = await text(container.stdout!)
  await container.wait()
  return printed.trim()
}

/** Code and message of what must fail. */
async function failure(options: RunOptions): Promise<string> {
  try {
    await using _container = await runtime.run({ image: busybox, command: ['true'], ...options })
    return 'it has run'
  } catch (error) {
    return isRuntimeError(error) ? `${error.code} ${error.message}` : String(error)
  }
}

const foreign = [
  { type: 'directory', path: 'srv/private', mode: 0o700, uid: 1000, gid: 44 },
  { type: 'file', path: 'srv/private/file', content: 'kept\n', mode: 0o4640, uid: 1000, gid: 44 },
  { type: 'symlink', path: 'srv/link', target: 'private/file', uid: 1000, gid: 44 },
] as const

async function check(): Promise<Record<string, unknown>> {
  const { ids, network } = runtime.rootless!
  const several = ids > 1
  await addBusybox(runtime, { more: foreign })
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'mine\n', { mode: 0o600 })
  const seen: Record<string, unknown> = {
    rootless: runtime.rootless,
    outside: `${String(process.getuid!())}:${String(process.getgid!())}`,
    maps: await shell('cat /proc/self/uid_map'),
    identity: await shell('id -u; id -g; echo $$; cat /proc/sys/kernel/hostname', { hostname: 'box' }),
    owners: await shell(
      'cd /srv; stat -c "%n %u:%g %a" private link; stat -c "%n %u:%g %a" private/file; cat link',
    ),
    whiteout: await shell('ls /etc; cat /etc/motd'),
    devices: await shell(
      'echo x > /dev/null && head -c 4 /dev/zero | wc -c; mknod /dev/sda b 8 0; ls -l /dev/null',
    ),
    capabilities: await shell('grep -E "CapEff|Seccomp:|NoNewPrivs" /proc/self/status'),
    mounts: await shell(
      'mount -t tmpfs x /tmp; cat /sys/fs/cgroup/tasks; echo x > /proc/sys/kernel/hostname',
    ),
    volume: await shell('cat /secret; stat -c %u:%g /secret; echo changed > /secret', {
      volumes: [{ source: secret, target: '/secret', readOnly: true }],
    }),
    hostEtc: await shell('stat -c %u /host/shadow; cat /host/shadow', {
      volumes: [{ source: '/etc', target: '/host', readOnly: true }],
    }),
    hostNetwork: await shell('ls /sys/class/net; touch /sys/x', { network: 'host' }),
    asUser: several
      ? await shell('id; touch /tmp/x; stat -c %u:%g /tmp/x', { user: 'app' })
      : await failure({ user: 'app' }),
    chown: several
      ? await shell('mkdir -p /d/e; touch /d/e/f; chown -R 5:6 /d; chmod 0 /d/e; stat -c %u:%g /d')
      : null,
    memory: await failure({ memory: 2 ** 26 }),
    bridge: await failure({ network: 'bridge' }),
    lowPort: await failure({ publish: [{ host: 80, container: 80 }] }),
    stats: await statsFailure(),
    exec: await inContainer(),
    terminal: await onTerminal(),
    parallel: await Promise.all(Array.from({ length: 6 }, (_, n) => shell(`echo ${n}`))),
  }
  if (network === 'pasta') {
    seen['published'] = await published()
    seen['lost'] = await lost()
  }
  return seen
}

async function statsFailure(): Promise<string> {
  await using container = await runtime.run({ image: busybox, command: ['sleep', '60'], network: 'none' })
  try {
    return JSON.stringify(container.stats())
  } catch (error) {
    return String(error)
  }
}

async function inContainer(): Promise<unknown> {
  await using container = await runtime.run({ image: busybox, command: ['sleep', '60'], network: 'none' })
  const child = await container.exec(
    ['sh', '-c', 'id -u; echo $PPID; touch /made; ls /proc | grep -c "^[0-9]"'],
    {
      stdout: 'pipe',
      stderr: 'inherit',
    },
  )
  const printed = await text(child.stdout!)
  await child.wait()
  const missing = await container
    .exec(['no-such-program'])
    .catch((error: unknown) => (error as { code: string }).code)
  return {
    printed: printed.trim(),
    missing,
    processes: container.processes().length,
    hostname: String(await container.readFile('/etc/hostname')).trim(),
    changes: await container.changes(),
  }
}

/** Servers of this user's mounts. */
function fuseServers(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .map((name) => readFileSync(`/proc/${name}/cmdline`, 'utf8'))
    .filter((line) => line.includes('lowerdir=') && line.includes(folder))
}

/** What is in an archive, as tar lists it. */
async function listing(archive: Readable): Promise<string[]> {
  const child = spawn('tar', ['-tv', '--numeric-owner'], { stdio: ['pipe', 'pipe', 'inherit'] })
  archive.pipe(child.stdin)
  const lines = (await text(child.stdout)).trim().split('\n')
  return lines.map((line) => line.replace(/ \d{4}-\d\d-\d\d \d\d:\d\d/, ''))
}

/** Volumes with what the image has in their place, and all kinds of changes of a root, packed as a layer. */
async function stored(): Promise<Record<string, unknown>> {
  const several = runtime.rootless!.ids > 1
  await addBusybox(runtime, { more: foreign })
  const volumes = [{ volume: 'kept', target: '/srv' }]
  const list = 'cd /srv; stat -c "%n %u:%g %a %F" private link private/file; cat private/file'
  const filled = await shell(`${list}; echo new > private/new; chmod 600 private/new`, { volumes })
  const again = await shell('cat /srv/private/new; stat -c "%u:%g %a" /srv/private/new', { volumes })
  await runtime.volumes.restore('copy', runtime.volumes.get('kept')!.backup())
  const restored = await shell(list, { volumes: [{ volume: 'copy', target: '/srv' }] })
  await runtime.volumes.remove('copy')
  const limited = await failure({ storage: { bytes: 2 ** 20 } })
  const script = [
    'rm /etc/motd; rm -r /srv/private; mkdir /srv/private; echo 1 > /srv/private/other; mkdir -p /new/deep',
    'echo x > /new/deep/file; ln /new/deep/file /new/same; mv /etc/group /etc/moved; echo more >> /etc/passwd',
    several ? 'chown -R 1000:44 /new; chmod 700 /new' : 'true',
    'cat /etc/moved | head -n 1; ls /etc; echo ready; sleep 600',
  ].join('; ')
  const container = await runtime.run({
    image: busybox,
    command: ['sh', '-c', script],
    network: 'none',
    stdout: 'pipe',
  })
  let printed = ''
  for await (const chunk of container.stdout!) {
    printed += String(chunk)
    if (printed.includes('ready')) break
  }
  const servers = fuseServers().length
  const changes = (await container.changes()).map(({ kind, path }) => `${kind} ${path}`)
  const read = [await container.readFile('/etc/passwd'), await container.readFile('/etc/hostname')].map(
    String,
  )
  const child = await container.exec(['sh', '-c', 'id -u; cat /new/same'], { terminal: true })
  const executed = await text(child.terminal!)
  container.kill('SIGKILL')
  await container.wait()
  const stopped = String(await container.readFile('/etc/passwd'))
  const namespace = { fd: await openUserNamespace(findIdMaps().maps), singleId: !several }
  const name = readdirSync(folders.root).find((each) => each.startsWith('overlay-'))!
  const store = await LayerStore.open(join(folders.root, name), {
    userNamespace: namespace,
    strategy: runtime.storage,
  })
  const root = await store.openRoot(container.id)
  const diff = await listing(root.diff())
  const layer = await store.commit(container.id)
  const same = await store.createRoot('same', {
    layers: [...root.layers, layer.diffId],
    below: join(folders.root, 'mountpoints'),
  })
  const [before, after] = [await listing(root.export()), await listing(same.export())]
  await same.remove()
  await store.remove(layer.diffId)
  await container.remove()
  for (let tries = 0; fuseServers().length > 0 && tries < 200; tries++) await sleep(25)
  return {
    storage: runtime.storage,
    reason: runtime.rootless!.storageReason ?? undefined,
    filled,
    again,
    restored,
    limited,
    printed,
    servers,
    changes,
    read: read.map((each) => each.split('\n').at(-2)),
    executed: executed.replaceAll('\r', ''),
    stopped: stopped === read[0],
    diff,
    sameExport: JSON.stringify(before) === JSON.stringify(after),
    exported: before.length > 100,
    serversLeft: fuseServers().length,
  }
}

async function onTerminal(): Promise<string> {
  await using container = await runtime.run({
    image: busybox,
    command: ['sh', '-c', 'tty; stty size; test -t 0 && echo terminal'],
    network: 'none',
    terminal: { rows: 10, columns: 20 },
  })
  const printed = await text(container.terminal!)
  await container.wait()
  return printed.replaceAll('\r', '').trim()
}

/** A server in a container, reached by its port; and what of the host's loopback can be reached from inside. */
async function published(): Promise<unknown> {
  const host = createServer((socket) => socket.end('host')).listen(0, '127.0.0.1')
  await once(host, 'listening')
  const { port: hostPort } = host.address() as { port: number }
  await using container = await runtime.run({
    image: busybox,
    command: ['sh', '-c', `echo up; while :; do echo hello | nc -l -p 80; done`],
    publish: [{ container: 80, hostIp: '127.0.0.1' }],
    stdout: 'pipe',
  })
  await once(container.stdout!, 'data')
  const port = container.inspect().network.ports[0]!.host
  let answer = ''
  for (let tries = 0; answer === '' && tries < 100; tries++) {
    answer = await text(connect(port, '127.0.0.1')) // until the server listens
    if (answer === '') await sleep(50)
  }
  const script = `ip -4 addr show eth0 | grep -c inet; nc -w 2 127.0.0.1 ${hostPort} </dev/null; nc -w 2 $(ip route | sed -n "s/default via \\([0-9.]*\\).*/\\1/p") ${hostPort} </dev/null; echo done`
  const child = await container.exec(['sh', '-c', script], { stdout: 'pipe', stderr: 'ignore' })
  const inside = await text(child.stdout!)
  const taken = await failure({ publish: [{ host: port, container: 80, hostIp: '127.0.0.1' }] })
  host.close()
  return { answer: answer.trim(), inside: inside.trim(), taken }
}

/** The program that connects a container is killed, of one that this process watches and of one that nobody does. */
async function lost(): Promise<unknown> {
  const container = await runtime.run({
    image: busybox,
    command: ['sleep', '600'],
    detach: true,
    network: 'pasta',
  })
  const note = join(runtime.state, 'network-programs', container.id)
  const before = container.inspect().network.failure
  process.kill(Number(readFileSync(note, 'utf8')), 'SIGKILL')
  const told = await container.networkLost()
  const child = await container.exec(['sh', '-c', 'ping -c 1 -W 5 192.0.2.1 2>&1'], { stdout: 'pipe' })
  const inside = await text(child.stdout!)
  await child.wait()
  let log = ''
  for await (const { bytes } of container.logs()) log += bytes.toString()
  const noted = container.inspect().network.failure
  const other = await runtime.run({
    image: busybox,
    command: ['sleep', '600'],
    network: 'pasta',
    detach: true,
  })
  await using again = await Runtime.open({ root: runtime.root, state: runtime.state })
  const found = again.container(other.id)
  const ending = found.networkLost()
  await found.remove({ force: true })
  await container.remove({ force: true })
  return { before, told, noted, log, inside, atEnd: await ending }
}

/** A bundle of the static busybox, through everything that an engine does with it. */
async function bundle(): Promise<Record<string, unknown>> {
  const rootfs = join(folder, 'bundle', 'rootfs')
  mkdirSync(join(rootfs, 'bin'), { recursive: true })
  const program = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path))!
  copyFileSync(program, join(rootfs, 'bin', 'busybox'))
  for (const name of ['sh', 'id', 'cat', 'sleep']) symlinkSync('busybox', join(rootfs, 'bin', name))
  const config = defaultConfig({ rootless: true, cgroupNamespace: false })
  const script = 'id -u; cat /proc/self/uid_map; echo $$; echo x > /dev/null && echo device; exec sleep 60'
  const process = { ...config.process!, terminal: false, args: ['sh', '-c', script] }
  const write = (more: object): void => {
    writeFileSync(join(folder, 'bundle', 'config.json'), JSON.stringify({ ...config, process, ...more }))
  }
  write({})
  const oci = OciRuntime.open({ root: join(folder, 'oci') })
  const output = join(folder, 'output')
  const streams = { stdio: ['ignore', openSync(output, 'a'), 'inherit'] } as const
  const printed = (): string => readFileSync(output, 'utf8')
  const box = await oci.create('box', { bundle: join(folder, 'bundle'), ...streams })
  const created = box.state().status
  await box.start()
  const child = await box.exec({ process: { ...process, args: ['id', '-u'] }, ...streams })
  const executed = (await child.wait()).exitCode
  for (let tries = 0; !printed().includes('device') && tries < 100; tries++) await sleep(50)
  const running = box.state().status
  box.kill(9)
  const { signal } = await box.wait()
  await box.delete()
  write({ linux: { ...config.linux, resources: { pids: { limit: 10 } } } })
  const limited = await oci.create('limited', { bundle: join(folder, 'bundle'), ...streams }).catch(String)
  return {
    created,
    running,
    executed,
    printed: printed().split('\n').sort(),
    signal,
    limited,
    left: oci.list().length,
  }
}

/** A port of UDP, which nobody else can have then. */
async function publishedUdp(): Promise<string> {
  const publish = [{ container: 53, protocol: 'udp', hostIp: '127.0.0.1' }] as const
  await using container = await runtime.run({ image: busybox, command: ['sleep', '60'], publish })
  return await failure({ publish: [{ ...publish[0], host: container.inspect().network.ports[0]!.host }] })
}

/** Limits bite, are seen and changed, and a container is frozen. */
async function limited(): Promise<Record<string, unknown>> {
  const hog = { image: busybox, network: 'none', memory: 16 * 2 ** 20, memorySwap: 16 * 2 ** 20 } as const
  const refused = await failure({ network: 'none', pids: 10 })
  if (refused !== 'it has run') return { refused }
  await using eater = await runtime.run({ ...hog, command: ['sh', '-c', 'exec tail /dev/zero'] })
  const eaten = await eater.wait()
  const bomb = 'b() { b & b & wait; }; exec 2>/dev/null; (b &) ; echo up; sleep 1000'
  await using forks = await runtime.run({
    image: busybox,
    network: 'none',
    pids: 12,
    cpus: 0.2,
    command: ['sh', '-c', bomb],
    stdout: 'pipe',
  })
  await once(forks.stdout!, 'data')
  const pids = () => forks.stats().pids!
  for (let tries = 0; pids().limitHits === 0 && tries < 1000; tries++) await sleep(50)
  await forks.pause()
  const paused = forks.isPaused
  await forks.unpause()
  const { current, limit, limitHits } = pids()
  const busy = await runtime.run({
    image: busybox,
    network: 'none',
    cpus: 0.2,
    command: ['sh', '-c', 'while :; do :; done'],
  })
  const throttled = () => busy.stats().cpu!.throttling!.throttledUsec
  for (let tries = 0; throttled() === 0 && tries < 1000; tries++) await sleep(50)
  const isThrottled = throttled() > 0
  await busy.remove({ force: true })
  return {
    rootless: runtime.rootless,
    eaten: { signal: eaten.signal, oomKilled: eaten.oomKilled },
    pids: { current: current <= 12, limit, limitHits: limitHits > 0 },
    paused,
    isThrottled,
    own: readFileSync('/proc/self/cgroup', 'utf8').trim(),
  }
}

switch (mode) {
  case 'network':
  case 'limits': {
    await addBusybox(runtime)
    const seen =
      mode === 'limits'
        ? await limited()
        : { rootless: runtime.rootless, tcp: await published(), udp: await publishedUdp() }
    console.log(JSON.stringify(seen))
    await runtime.reset()
    await runtime.close()
    break
  }
  case 'stored':
    console.log(JSON.stringify(await stored()))
    await runtime.reset()
    await runtime.close()
    break
  case 'oci':
    console.log(JSON.stringify(await bundle()))
    await runtime.close()
    break
  case 'check':
    console.log(JSON.stringify(await check()))
    await runtime.reset()
    await runtime.close()
    break
  case 'hold': {
    await addBusybox(runtime, { more: foreign })
    const own = await runtime.run({ image: busybox, name: 'own', command: ['sleep', '600'] })
    const detached = await runtime.run({
      image: busybox,
      name: 'kept',
      detach: true,
      command: ['sleep', '600'],
    })
    const onTerminal = await runtime.run({
      image: busybox,
      name: 'terminal',
      network: 'none',
      detach: true,
      terminal: true,
      command: ['sh', '-c', 'read x; echo "got $x"'],
    })
    console.log(JSON.stringify({ own: own.pid, detached: detached.pid, onTerminal: onTerminal.pid }))
    setInterval(() => undefined, 1000)
    break
  }
  case 'after': {
    const found = runtime.containers().map(({ name, pid }) => ({ name, pid }))
    for (const container of runtime.containers()) {
      const child = await container.exec(['true'])
      await child.wait()
    }
    const terminal = runtime.container('terminal').openTerminal()!
    terminal.write('typed\n')
    const printed = await text(terminal)
    const kept = existsSync(join(folders.state, 'terminals'))
    console.log(JSON.stringify({ found, printed, kept, failures: runtime.failedCleanUps.length }))
    await runtime.reset()
    for (const { id } of await runtime.images.list()) await runtime.images.remove(id)
    await runtime.close()
  }
}
