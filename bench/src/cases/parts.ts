import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { spawn } from '@ctr/namespaces'
import { createNetworkNamespace, Netbridge } from '@ctr/netbridge'
import { digestOf, ImageStore, mediaTypes, RegistryServer } from '@ctr/registry'
import { figuresOf, type Bench, type BenchCase, type CaseResult } from '../case.js'
import { inProcess, interleave } from '../measure.js'
import { summarize } from '../statistics.js'

/** An interface's whole life on a bridge. */
export const netbridgeCase: BenchCase = {
  name: 'netbridge',
  title: '@ctr/netbridge: namespace, attach with a published port, detach',
  peers: [],
  async measure(bench) {
    const state = join(bench.workshop.state, 'net-part')
    const net = await Netbridge.open({ state, instance: `cb${process.pid}` })
    try {
      return await alone(bench, 20, () => {
        using netns = createNetworkNamespace()
        net
          .attach({ id: 'part', netnsFd: netns.fd, publish: [{ container: 80 }] })
          .detach({ leaveLink: true })
      })
    } finally {
      await net.remove()
      rmSync(state, { recursive: true, force: true })
    }
  },
}

/** A process in new namespaces, with nothing mounted. */
export const spawnCase: BenchCase = {
  name: 'spawn',
  title: '@ctr/namespaces: a process in seven new namespaces, its end',
  peers: [],
  measure: (bench) =>
    alone(bench, 40, async () => {
      const namespaces = {
        mount: 'new',
        uts: 'new',
        ipc: 'new',
        pid: 'new',
        network: 'new',
        cgroup: 'new',
        user: 'new',
      } as const
      const child = await spawn({ command: ['true'], namespaces, stdio: ['ignore', 'ignore', 'ignore'] })
      await child.wait()
    }),
}

/** Bytes to a registry and back. */
export const registryCase: BenchCase = {
  name: 'registry',
  title: '@ctr/registry: push to the embedded registry (the other figure: pull)',
  peers: [],
  async measure({ workshop: { folder }, quick, signal }) {
    const size = (quick ? 16 : 128) * 2 ** 20
    const rates = { push: [] as number[], pull: [] as number[] }
    for (let round = 0; round < (quick ? 2 : 5); round++) {
      signal.throwIfAborted()
      const place = join(folder, `registry-${round}`)
      await using server = await RegistryServer.start({ root: join(place, 'server') })
      const reference = `${server.address}/bench:latest`
      const [from, to] = [
        await ImageStore.open(join(place, 'from')),
        await ImageStore.open(join(place, 'to')),
      ]
      const bytes = randomBytes(size)
      const layer = {
        blob: Readable.from(chunks(bytes)),
        mediaType: mediaTypes.ociLayer,
        diffId: digestOf(bytes),
      }
      await from.add({ layers: [layer] }, { reference })
      rates.push.push(rate(size, await timed(() => from.push(reference, { signal }))))
      rates.pull.push(rate(size, await timed(() => to.pull(reference, { signal }))))
      rmSync(place, { recursive: true, force: true })
    }
    return {
      unit: 'MB/s',
      figures: [
        { name: 'ctr', ...summarize(rates.push) },
        { name: 'pull', ...summarize(rates.pull) },
      ],
      notes: [
        'client and server are one process, and share its thread; every byte is hashed and synced on both sides',
      ],
    }
  },
}

async function alone({ quick, signal }: Bench, rounds: number, work: () => unknown): Promise<CaseResult> {
  const samples = await interleave([inProcess(work)], { rounds: quick ? 2 : rounds, burst: 5, signal })
  return { unit: 'ms', figures: figuresOf(samples) }
}

function* chunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** Megabytes (10^6) a second. */
function rate(bytes: number, ms: number): number {
  return bytes / 1e6 / (ms / 1000)
}
