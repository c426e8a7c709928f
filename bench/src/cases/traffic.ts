import { execFile } from 'node:child_process'
import { networkInterfaces } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { figuresOf, type Bench, type BenchCase, type CaseResult } from '../case.js'
import { interleave } from '../measure.js'
import { RootTree } from '../rootfs.js'
import { quoted } from '../timing-shell.js'

const execute = promisify(execFile)

/** A server in a container on the default bridge, with its port published. */
interface Server {
  /** Address on the bridge. */
  readonly address: string
  /** The port of this machine. */
  readonly port: number
  stop(): Promise<void>
}

/** Who has containers on a bridge. */
interface Side {
  readonly name: string
  serve(command: readonly string[], port: number): Promise<Server>
  /** Runs a program in a container of its own on the same bridge. */
  run(command: readonly string[]): Promise<string>
}

/** What a client measures of a server, in milliseconds. */
type Measurement = (server: Server, side: Side) => Promise<number>

const peers = ['docker', 'podman'] as const

/** Debian: iperf3, nginx-light, wrk. */
const programs = ['iperf3', 'nginx', 'wrk'] as const

/** At least 0.98 times as fast. */
const target = { of: 'docker', factor: 1.02 } as const

const gibibytes = 4
const send = ['-J', '-n', `${gibibytes}G`] as const

/** TCP from a container to its neighbour. */
export const tcpCase: BenchCase = {
  name: 'tcp',
  title: 'TCP from container to container on the bridge, iperf3, 1 GiB',
  peers,
  programs,
  measure: (bench) =>
    compare(bench, ['iperf3', '-s'], 5201, async ({ address }, side) =>
      millisecondsOf(await side.run(['iperf3', '-c', address, ...send])),
    ),
}

/** TCP from this machine to a published port. */
export const tcpPublishedCase: BenchCase = {
  name: 'tcp-published',
  title: 'TCP through a published port, iperf3, 1 GiB',
  peers,
  programs,
  measure: (bench) =>
    compare(bench, ['iperf3', '-s'], 5201, async ({ port }) => {
      const { stdout } = await execute('iperf3', ['-c', ownAddress(), '-p', `${port}`, ...send])
      return millisecondsOf(stdout)
    }),
}

/** Requests to a web server behind a published port. */
export const httpCase: BenchCase = {
  name: 'http',
  title: 'nginx behind a published port, wrk with 32 connections, 1,000 requests',
  peers,
  programs,
  measure: (bench) =>
    compare(bench, ['nginx', '-c', '/etc/nginx.conf'], 80, async ({ port }) => {
      const flags = ['-t', '2', '-c', '32', '-d', bench.quick ? '1' : '4']
      const { stdout } = await execute('wrk', [...flags, `http://${ownAddress()}:${port}/`])
      const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
      if (!(perSecond > 0) || /Non-2xx|Socket errors/.test(stdout)) throw new Error(`wrk says: ${stdout}`)
      return 1e6 / perSecond
    }),
}

const nginxConf = `user root root; daemon off; master_process off; error_log /dev/null; pid /tmp/pid;
events { worker_connections 512; }
http {
  access_log off; keepalive_requests 100000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((of) => `${of}_temp_path /tmp/${of};`).join(' ')}
  server { listen 80; location / { return 200 "hello"; } }
}
`

async function compare(
  bench: Bench,
  command: readonly string[],
  port: number,
  measure: Measurement,
): Promise<CaseResult> {
  const tree = RootTree.ofBusybox().with(['iperf3', 'nginx'], { 'etc/nginx.conf': nginxConf })
  const image = await bench.peers.addImage('traffic', tree)
  await bench.workshop.runtime.images.add(
    { config: { config: { Env: ['PATH=/bin:/usr/bin:/usr/sbin'] } }, layers: [{ tar: tree.tar() }] },
    { reference: image },
  )
  const sides = [
    ours(bench, image),
    ...peers.filter((name) => bench.peers.has(name)).map((name) => other(bench, name, image)),
  ]
  const subjects = sides.map((side) => ({
    name: side.name,
    async run(iterations: number): Promise<readonly number[]> {
      const server = await side.serve(command, port)
      try {
        await sleep(500) // until it listens
        const times: number[] = []
        for (let n = 0; n < iterations; n++) times.push(await measure(server, side))
        return times
      } finally {
        await server.stop()
      }
    },
  }))
  const samples = await interleave(subjects, { rounds: bench.quick ? 1 : 6, burst: 2, signal: bench.signal })
  return {
    unit: 'ms',
    figures: figuresOf(samples),
    target,
    notes: ['asked for: at least 0.98 times the rate, which is at most 1.02 times the time'],
  }
}

function ours({ workshop: { runtime } }: Bench, image: string): Side {
  return {
    name: 'ctr',
    async serve(command, port) {
      const publish = [{ container: port }]
      const container = await runtime.run({ image, command, publish, stdout: 'ignore', stderr: 'ignore' })
      const { address, ports } = container.inspect().network
      return {
        address: address!,
        port: ports[0]!.host,
        async stop() {
          container.kill('SIGKILL')
          await container.wait()
          await container.remove()
        },
      }
    },
    async run(command) {
      const container = await runtime.run({ image, command, stdout: 'pipe', stderr: 'ignore' })
      const printed = await text(container.stdout!)
      await container.wait()
      await container.remove()
      return printed
    },
  }
}

function other({ peers: among }: Bench, name: (typeof peers)[number], image: string): Side {
  const label = `--label ${among.mark} -e PATH=/bin:/usr/bin:/usr/sbin`
  return {
    name,
    async serve(command, port) {
      const id = await among.run(
        `${name} run -d ${label} -p ${port} ${image} ${command.map(quoted).join(' ')}`,
      )
      const [address, published] = await Promise.all([
        among.run(`${name} inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' ${id}`),
        among.run(`${name} port ${id} ${port} | head -n 1`),
      ])
      return {
        address,
        port: Number(/:(\d+)$/.exec(published)?.[1]),
        async stop() {
          await among.run(`${name} rm -f ${name === 'podman' ? '-t 0' : ''} ${id}`)
        },
      }
    },
    run: (command) => among.run(`${name} run --rm ${label} ${image} ${command.map(quoted).join(' ')}`),
  }
}

/** What iperf3 has measured, for a GiB. */
function millisecondsOf(json: string): number {
  const { end, error } = JSON.parse(json) as {
    readonly error?: string
    readonly end: { readonly sum_received: { readonly bytes: number; readonly seconds: number } }
  }
  if (error !== undefined) throw new Error(`iperf3 says: ${error}`)
  return (end.sum_received.seconds * 1000 * 2 ** 30) / end.sum_received.bytes
}

/** An address of this machine that is not its loopback. */
function ownAddress(): string {
  const all = Object.entries(networkInterfaces()).filter(([name]) => !/^(docker|podman|ctr)/.test(name))
  const found = all
    .flatMap(([, addresses = []]) => addresses)
    .find(({ family, internal }) => family === 'IPv4' && !internal)
  if (found === undefined) throw new Error('cannot measure published ports: this machine has no IPv4 address')
  return found.address
}
