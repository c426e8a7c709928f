import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import type { Bench } from './case.js'
import { processesNamed } from './memory-use.js'
import type { Peers } from './peers.js'

/** A daemon that speaks Docker's API, with its image of busybox. */
export interface ApiDaemon {
  readonly name: 'ctr' | 'docker' | 'podman'
  readonly socket: string
  readonly image: string
  /** One client, whose connections are kept. */
  readonly client: Docker
  /** The daemon, and what runs beside containers for it. */
  readonly processes: () => readonly number[]
}

/** Ours, with where it tells its figures. */
export interface OurDaemon extends ApiDaemon {
  readonly metrics: string
}

/** Ours, the real dockerd and podman's service, those that are there. */
export interface Daemons extends AsyncDisposable {
  readonly ours: OurDaemon
  readonly all: readonly ApiDaemon[]
}

/** Starts our daemon on the workshop's folders, and reaches those of the peers. */
export async function openDaemons({ peers, workshop }: Bench, program: string): Promise<Daemons> {
  const socket = join(workshop.folder, 'engine.sock')
  const { root, state } = workshop.runtime
  const daemon = spawn(
    process.execPath,
    [
      '--max-semi-space-size=2', // as the unit in docs/moving-from-docker.md has it
      ...[program, '--root', root, '--state', state, 'daemon'],
      ...['-H', `unix://${socket}`, '--metrics-addr', '127.0.0.1:0'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
  )
  const ended = once(daemon, 'exit')
  const closers: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const one of closers) await one()
    daemon.kill('SIGTERM')
    await ended
  }
  // Node's own agent keeps connections
  const clientOf = (socketPath: string): Docker => new Docker({ socketPath })
  try {
    const metrics = await listening(daemon)
    const ours: OurDaemon = {
      ...{ name: 'ctr', socket, image: workshop.image, client: clientOf(socket), metrics },
      processes: () => [daemon.pid!],
    }
    const all: ApiDaemon[] = [ours]
    const there = (await peers.shell.pid()).toString()
    if (peers.has('docker')) {
      const path = `/proc/${there}/root/run/docker.sock`
      const programs = /^(dockerd|containerd|containerd-shim.*|docker-proxy)$/
      all.push({
        ...{ name: 'docker', socket: path, image: peers.image, client: clientOf(path) },
        processes: () => processesNamed(programs),
      })
    }
    if (peers.has('podman')) {
      const { pid, path } = await podmanService(peers)
      closers.push(() => peers.run(`kill ${pid}; rm -f ${path}`))
      const outside = `/proc/${there}/root${path}`
      all.push({
        ...{ name: 'podman', socket: outside, image: peers.image, client: clientOf(outside) },
        processes: () => [pid, ...processesNamed(/^(conmon|podman)$/).filter((other) => other !== pid)],
      })
    }
    return { ours, all, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Where the metrics of our daemon are, when it listens. */
async function listening(daemon: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: daemon.stdout! })) {
    const [, address] = /^metrics on (\S+)$/.exec(line) ?? []
    if (address !== undefined) return address
  }
  throw new Error('cannot measure the engine: its daemon has ended')
}

async function podmanService(peers: Peers): Promise<{ readonly pid: number; readonly path: string }> {
  const path = `/run/${peers.mark}.sock`
  const service = `podman system service --time=0 unix://${path}`
  const pid = Number(await peers.run(`setsid ${service} </dev/null >/dev/null 2>&1 & echo $!`))
  for (let looks = 0; looks < 200; looks++) {
    if ((await peers.run(`test -S ${path} && echo there || true`)) === 'there') return { pid, path }
    await sleep(50)
  }
  throw new Error('cannot measure podman: its service does not listen')
}
