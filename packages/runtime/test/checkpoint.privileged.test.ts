import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import {
  closeFd,
  F_DUPFD_CLOEXEC,
  Fd,
  O_CLOEXEC,
  onReadable,
  pidfdOpen,
  pidfdSendSignal,
  pipe2,
  syscall,
  waitid,
  type ExitStatus,
} from '@ctr/linux'
import { createNetworkNamespace, loopbackUp } from '@ctr/netbridge'
import { spawn } from '@ctr/namespaces'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { checkpoint, type CheckpointContainer } from '../src/oci/checkpoint/checkpoint.js'
import type { CheckpointOptions } from '../src/oci/checkpoint/options.js'
import { restore, type RestoreContainer } from '../src/oci/checkpoint/restore.js'
import { openTerminal } from '../src/setup/terminal.js'
import {
  joining,
  makeBundle,
  makeCgroup,
  startContainer,
  type Bundle,
  type StartOptions,
} from './support/checkpoint-container.js'
import { preferInstalledCriu } from './support/criu.js'

leakCheck()
preferInstalledCriu()

const script = 'nc -ll -p 7000 -e /bin/count & read -r line; echo "got $line"; wait'
const server: StartOptions = { command: ['sh', '-c', script], stdio: ['pipe', 'pipe', 'pipe'] }
const sleeper: StartOptions = { command: ['sleep', '600'], stdio: ['pipe', 'pipe', 'pipe'] }

/** A container of a bundle in a folder and a network namespace of its own. */
async function running(start: StartOptions) {
  const folder = temporaryFolder('ctr-checkpoint-')
  const netns = createNetworkNamespace()
  loopbackUp(netns.fd)
  const network = `/proc/${process.pid}/fd/${netns.fd}`
  const bundle = makeBundle(folder.path, network)
  const cgroup = makeCgroup('container')
  const container = await startContainer(bundle, cgroup, start)
  const images = join(folder.path, 'images')
  const state = join(folder.path, 'state')
  mkdirSync(state)
  return {
    network,
    bundle,
    cgroup,
    container,
    images,
    state,
    saved: { ...bundle, pid: container.pid, freezer: cgroup.folder('freezer') } satisfies CheckpointContainer,
    options: { imagePath: images, networkLock: 'nftables' } as const satisfies CheckpointOptions,
    async [Symbol.asyncDispose]() {
      await container[Symbol.asyncDispose]()
      await cgroup[Symbol.asyncDispose]()
      netns.close()
      folder[Symbol.dispose]()
    },
  }
}

/** Restores a container in a cgroup of its own. */
async function restored(
  { path, ...bundle }: Bundle,
  state: string,
  options: CheckpointOptions,
  more: Partial<RestoreContainer> = {},
) {
  const cgroup = makeCgroup(`restored-${readdirSync(path).length}`)
  try {
    using joinFds = cgroup.openJoinFds()
    const joinCgroups = joining(joinFds.writeZero)
    const result = await restore({ ...bundle, bundle: path, folder: state, joinCgroups, ...more }, options)
    const pidfd = pidfdOpen(result.pid)
    const ended = new Promise<ExitStatus>((resolve) => onReadable(pidfd, () => resolve(waitid(pidfd))))
    return {
      ...result,
      cgroup,
      ended,
      async [Symbol.asyncDispose]() {
        pidfdSendSignal(pidfd, 9)
        await ended
        closeFd(pidfd)
        await cgroup[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await cgroup[Symbol.asyncDispose]()
    throw error
  }
}

/** A connection to a server in a network namespace: sends lines, and reads an answer for each. */
async function connect(network: string, port: number) {
  const client = await spawn({
    command: ['busybox', 'nc', '127.0.0.1', String(port)],
    stdio: ['pipe', 'pipe', 'inherit'],
    namespaces: { network: { path: network } },
  })
  const lines = createInterface({ input: client.stdout! })[Symbol.asyncIterator]()
  return {
    async ask(question: string): Promise<string> {
      client.stdin!.write(`${question}\n`)
      return String((await lines.next()).value)
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Waits until a process listens on port 7000. */
async function listens(pid: number): Promise<void> {
  while (!/:1B58 0+:0000 0A /.test(readFileSync(`/proc/${pid}/net/tcp6`, 'utf8'))) await sleep(10)
}

async function nextText(fd: number): Promise<string> {
  await new Promise<void>((resolve) => onReadable(fd, resolve))
  const bytes = Buffer.alloc(4096)
  return bytes.toString('utf8', 0, readSync(fd, bytes))
}

const mountsOf = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const fields = line.split(' ')
      return `${fields[4]!} ${fields[5]!} ${fields[fields.indexOf('-') + 1]!}`
    })
    .filter((mount) => !mount.startsWith('/proc/keys ')) // hidden by the host's /dev/null from then on
    .sort()

describeOn(['root', 'bin:busybox', 'bin:criu'], 'checkpoint() and restore()', () => {
  it('keep connections, memory, mounts and pipes of a TCP server, twice', async () => {
    await using first = await running(server)
    const { bundle, container, network, state } = first
    const options = { ...first.options, tcpEstablished: true }
    await listens(container.pid)
    const mounts = mountsOf(container.pid)
    await using client = await connect(network, 7000)
    expect(await client.ask('one')).toBe('1 one')
    expect(await client.ask('two')).toBe('2 two')

    await checkpoint(first.saved, options)
    expect((await container.wait()).signal).toBe(9)
    expect(first.cgroup.processes()).toEqual([])

    const [stdin, write] = pipe2(O_CLOEXEC)
    const [read, stdout] = pipe2(O_CLOEXEC)
    const [errors, stderr] = pipe2(O_CLOEXEC)
    const stdio = [stdin, stdout, stderr] as const
    using input = new Fd(write)
    using output = new Fd(read)
    using _errors = new Fd(errors)
    const again: CheckpointOptions = { ...options, imagePath: join(bundle.path, 'again') }
    let pidAtNamespaces = 0
    let descriptors: readonly string[]
    {
      await using second = await restored(bundle, state, options, {
        stdio,
        onNamespaces: (pid) => void (pidAtNamespaces = pid),
      })
      expect(await client.ask('three')).toBe('3 three')
      await using other = await connect(network, 7000)
      expect(await other.ask('hello')).toBe('1 hello')
      expect(mountsOf(second.pid)).toEqual(mounts)
      expect(readFileSync(`/proc/${second.pid}/root/real/volume/note`, 'utf8')).toBe('from the volume\n')
      expect(readFileSync(`/proc/${second.pid}/root/proc/keys`, 'utf8')).toBe('')
      expect(second.cgroup.processes()).toContain(second.pid)
      expect(first.cgroup.processes()).toEqual([])
      expect(pidAtNamespaces).toBe(second.pid)
      descriptors = second.externalDescriptors
      expect(descriptors.map((name) => name.replace(/\d+/, ''))).toEqual(['pipe:[]', 'pipe:[]', 'pipe:[]'])
      const freezer = second.cgroup.folder('freezer')
      await checkpoint({ ...bundle, pid: second.pid, freezer, externalDescriptors: descriptors }, again)
      expect((await second.ended).signal).toBe(9)
    }
    await using third = await restored(bundle, state, again, { stdio })
    for (const fd of stdio) closeFd(fd)
    writeSync(input.number, 'you\n')
    expect(await nextText(output.number)).toBe('got you\n')
    expect(await client.ask('four')).toBe('4 four')
    expect(third.cgroup.processes().length).toBeGreaterThan(2)
    expect(readdirSync(state)).toEqual([])
  })

  it('keep a terminal, whose other end goes to whoever restores', async () => {
    using terminal = openTerminal(undefined)
    const stream = terminal.takeStream()
    await using first = await running({
      command: ['sh', '-c', 'while read -r line; do echo "got $line"; done'],
      terminal,
    })
    const { bundle, state, options } = first
    await checkpoint(first.saved, options)
    stream.destroy()
    let master: Fd | undefined
    await using second = await restored(bundle, state, options, {
      onConsole: (fd) => void (master = new Fd(syscall('fcntl', fd, F_DUPFD_CLOEXEC, 0))),
    })
    using console = master!
    writeSync(console.number, 'hello\n')
    expect(await nextText(console.number)).toContain('hello')
    expect(second.pid).toBeGreaterThan(0)
  })

  it('leave a container running that is to go on, and take a config file of its own', async () => {
    await using first = await running(sleeper)
    const { bundle, container, options, saved } = first
    const file = join(bundle.path, 'criu.conf')
    writeFileSync(file, 'log-file=mine.log\n')
    const config = { ...bundle.config, annotations: { 'org.criu.config': file } }
    const workPath = join(bundle.path, 'work')
    await checkpoint({ ...saved, config }, { ...options, leaveRunning: true, workPath })
    expect(readFileSync(`/proc/${container.pid}/comm`, 'utf8')).toBe('sleep\n')
    expect(readdirSync(workPath)).toContain('mine.log')
    expect(existsSync(join(options.imagePath, 'descriptors.json'))).toBe(true)
  })

  it('undo a restore when what is called in between fails', async () => {
    await using first = await running(sleeper)
    const { bundle, options, saved, state } = first
    await checkpoint(saved, options)
    const refused = new Error('the hook refuses')
    const onNamespaces = (): never => {
      throw refused
    }
    await expect(restored(bundle, state, options, { onNamespaces })).rejects.toBe(refused)
    expect(readdirSync(state)).toEqual([])
    await using second = await restored(bundle, state, options)
    expect(readFileSync(`/proc/${second.pid}/comm`, 'utf8')).toBe('sleep\n')
  })

  it('quote the log when CRIU refuses, and the container goes on', async () => {
    await using first = await running(server)
    const { container, network, options, saved } = first
    await listens(container.pid)
    await using client = await connect(network, 7000)
    expect(await client.ask('one')).toBe('1 one')
    const log = join(options.imagePath, 'dump.log')
    await expect(checkpoint(saved, options)).rejects.toMatchObject({
      code: 'ERR_RUNTIME_CHECKPOINT',
      message: expect.stringMatching(
        new RegExp(
          `^cannot checkpoint the container: CRIU failed.*; see ${log}:\n  [^]*Connected TCP socket`,
          'i',
        ),
      ) as unknown,
    })
    expect(await client.ask('two')).toBe('2 two')
  })

  it('say so when CRIU is not installed', async () => {
    using folder = temporaryFolder('ctr-checkpoint-')
    await using first = await running(sleeper)
    const path = process.env['PATH']
    process.env['PATH'] = folder.path
    try {
      await expect(checkpoint(first.saved, first.options)).rejects.toMatchObject({
        code: 'ERR_RUNTIME_CRIU',
        message: expect.stringContaining('there is no program "criu" in the PATH') as unknown,
      })
    } finally {
      process.env['PATH'] = path
    }
  })

  it('write memory only, and then what has changed since, where the kernel tracks it', async () => {
    await using first = await running(sleeper)
    const { bundle, options, saved, state, container } = first
    const earlier: CheckpointOptions = { ...options, imagePath: join(bundle.path, 'earlier'), preDump: true }
    if (spawnSync('criu', ['check', '--feature', 'mem_dirty_track']).status !== 0) {
      await expect(checkpoint(saved, earlier)).rejects.toMatchObject({
        code: 'ERR_RUNTIME_CRIU',
        message: expect.stringContaining('CRIU has no memory tracking') as unknown,
      })
      expect(readFileSync(`/proc/${container.pid}/comm`, 'utf8')).toBe('sleep\n')
      return
    }
    await checkpoint(saved, earlier)
    expect(readFileSync(`/proc/${container.pid}/comm`, 'utf8')).toBe('sleep\n')
    await checkpoint(saved, { ...options, parentPath: '../earlier' })
    expect(existsSync(join(options.imagePath, 'parent'))).toBe(true)
    await using second = await restored(bundle, state, options)
    expect(readFileSync(`/proc/${second.pid}/comm`, 'utf8')).toBe('sleep\n')
  })
})
