import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createNetworkNamespace, Netbridge, type Endpoint, type NetworkNamespace } from '@ctr/netbridge'
import { type Bench, type BenchCase } from '../case.js'
import { summarize } from '../statistics.js'

/** The two halves of a container's place on a bridge, with a port of the host that leads to it. */
export const attachCase: BenchCase = {
  name: 'attach',
  title: '@ctr/netbridge: attach with a published port (the other figure: detach)',
  peers: [],
  measure: (bench) =>
    onBridge(bench, (net) => {
      const times = { attach: [] as number[], detach: [] as number[] }
      for (let n = -10; n < (bench.quick ? 10 : 200); n++) {
        bench.signal.throwIfAborted()
        using netns = createNetworkNamespace()
        let endpoint: Endpoint | undefined
        const attach = timed(() => (endpoint = net.attach({ id: 'one', netnsFd: netns.fd, publish: web })))
        const detach = timed(() => endpoint!.detach({ leaveLink: true }))
        if (n < 0) continue // compiled by then
        times.attach.push(attach)
        times.detach.push(detach)
      }
      return {
        unit: 'ms',
        figures: [
          { name: 'ctr', ...summarize(times.attach) },
          { name: 'detach', ...summarize(times.detach) },
        ],
        target: { atMost: 4 },
        holds: summarize(times.detach).median <= 4,
        notes: ['both halves are to take 4 ms at most; the namespace is made before, and not counted'],
      }
    }),
}

/** Many at once against one at a time. */
export const attachManyCase: BenchCase = {
  name: 'attach-many',
  title: '@ctr/netbridge: one of 100 attachments that are there at once (the other figure: one alone)',
  peers: [],
  measure: (bench) =>
    onBridge(bench, async (net) => {
      const alone: number[] = []
      const many: number[] = []
      for (let round = 0; round < (bench.quick ? 1 : 5); round++) {
        const all = Array.from({ length: 100 }, () => createNetworkNamespace())
        for (const [n, netns] of all.entries()) {
          bench.signal.throwIfAborted()
          alone.push(
            timed(() =>
              net.attach({ id: `alone${n}`, netnsFd: netns.fd, publish: web }).detach({ leaveLink: true }),
            ),
          )
        }
        closeAll(all)
        const others = Array.from({ length: 100 }, () => createNetworkNamespace())
        const work = others.map(async (netns, n) => {
          await Promise.resolve()
          return net.attach({ id: `many${n}`, netnsFd: netns.fd, publish: web })
        })
        const began = performance.now()
        const endpoints = await Promise.all(work)
        for (const endpoint of endpoints) endpoint.detach({ leaveLink: true })
        many.push((performance.now() - began) / 100)
        closeAll(others)
      }
      return {
        unit: 'ms',
        figures: [
          { name: 'ctr', ...summarize(many) },
          { name: 'alone', ...summarize(alone) },
        ],
        target: { of: 'alone', factor: 4 },
        notes: ['attach and detach together, each with a published port; any failure ends the case'],
      }
    }),
}

const PORTS = 10_000
const BLOCK = 500

/** Whether publishing takes longer the more is published. */
export const portsCase: BenchCase = {
  name: 'ports',
  title: '@ctr/netbridge: the last 500 of 10,000 published ports against the first 500',
  peers: [],
  measure: (bench) =>
    onBridge(bench, (net) => {
      const total = bench.quick ? PORTS / 10 : PORTS
      const namespaces: NetworkNamespace[] = []
      const times: number[] = []
      const publish = Array.from({ length: BLOCK }, () => ({ container: 80 }))
      for (let n = 0; n <= total / BLOCK; n++) {
        bench.signal.throwIfAborted()
        const netns = createNetworkNamespace()
        namespaces.push(netns)
        const ms = timed(() => net.attach({ id: `block${n}`, netnsFd: netns.fd, publish }))
        if (n === 0)
          net.endpoint('block0')!.detach() // compiled by then
        else times.push(ms)
      }
      net.cleanup([])
      closeAll(namespaces)
      return {
        unit: 'ms',
        figures: [
          { name: 'ctr', ...summarize(times.slice(-1)) },
          { name: 'first', ...summarize(times.slice(0, 1)) },
        ],
        target: { of: 'first', factor: 1.5 },
        notes: [`all: ${times.map((ms) => ms.toFixed(0)).join(', ')} ms; free ports of the kernel's choice`],
      }
    }),
}

/** Names of containers, asked one after the other, and as many as may come. */
export const dnsCase: BenchCase = {
  name: 'dns',
  title: '@ctr/netbridge: a name of the network, asked by one client',
  peers: [],
  measure: (bench) =>
    onBridge(bench, async (net) => {
      using netns = createNetworkNamespace()
      net.attach({ id: 'one', netnsFd: netns.fd, names: ['db'] })
      await using _server = await net.serveDns({ forward: false })
      const client = createSocket('udp4')
      try {
        client.connect(53, net.gateway)
        await once(client, 'connect')
        const times: number[] = []
        for (let n = 0; n < (bench.quick ? 200 : 5000); n++) {
          bench.signal.throwIfAborted()
          const began = performance.now()
          client.send(question(n & 0xffff))
          await once(client, 'message')
          times.push(performance.now() - began)
        }
        const { asked, answered } = await flood(client, bench.quick ? 1 : 5)
        return {
          unit: 'ms',
          figures: [{ name: 'ctr', ...summarize(times.slice(100)) }],
          target: { atMost: 0.2 },
          holds: asked === answered,
          notes: [
            `at 5,000 questions a second ${answered} of ${asked} were answered`,
            'client and server are one process, and share its thread',
          ],
        }
      } finally {
        client.close()
      }
    }),
}

/** Asks 5,000 times a second, every 10 ms what is due. */
async function flood(
  client: ReturnType<typeof createSocket>,
  seconds: number,
): Promise<{ asked: number; answered: number }> {
  let asked = 0
  let answered = 0
  client.on('message', () => answered++)
  const began = performance.now()
  while (asked < 5000 * seconds) {
    const due = Math.min(5000 * seconds, 5 * (performance.now() - began))
    while (asked < due) client.send(question(asked++ & 0xffff))
    await sleep(10)
  }
  for (let waited = 0; answered < asked && waited < 20; waited++) await sleep(50)
  return { asked, answered }
}

/** `A` of `db`, RFC 1035. */
function question(id: number): Uint8Array {
  const header = Uint8Array.of(id >> 8, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
  return Buffer.concat([header, Buffer.from('\x02db\0\0\x01\0\x01', 'latin1')])
}

const web = [{ container: 80 }] as const

async function onBridge<Result>(
  { workshop }: Bench,
  work: (net: Netbridge) => Result | Promise<Result>,
): Promise<Result> {
  const state = join(workshop.state, 'net-bench')
  const net = await Netbridge.open({ state, instance: `cn${process.pid}` })
  try {
    return await work(net)
  } finally {
    await net.remove()
    rmSync(state, { recursive: true, force: true })
  }
}

function timed(work: () => unknown): number {
  const began = performance.now()
  work()
  return performance.now() - began
}

function closeAll(all: readonly Disposable[]): void {
  for (const each of all) each[Symbol.dispose]()
}
