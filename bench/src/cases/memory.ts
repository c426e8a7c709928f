import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Bench, BenchCase, Figure } from '../case.js'
import type { WorkerAnswer, WorkerOrder } from '../idle-worker.js'
import { machineMemory, processesNamed, proportionalMemory, type MachineMemory } from '../memory-use.js'

/** What idle containers cost, in KiB. */
interface Cost {
  readonly containers: number
  /** What runs besides containers, before the first: our process, or the daemons. */
  readonly engine: number
  /** What a further container takes in processes: its own, those that go with it, and the growth of the engine. */
  readonly processesPerContainer: number
  /** Part of that by which the engine grows. */
  readonly enginePerContainer: number
  /** What the kernel holds for it. */
  readonly kernelPerContainer: number
  /** By how much the machine's available memory falls for it: all of it, but also what others do meanwhile. */
  readonly availablePerContainer: number
  /** Milliseconds per container until all ran. */
  readonly startMs: number
}

/** Docker's programs: the daemons, and what each container has beside its own. */
const dockerPrograms = { engine: /^(dockerd|containerd)$/, others: /^(containerd-shim.*|docker-proxy)$/ }

/** Idle containers, with all that they take from the machine. */
export const memoryCase: BenchCase = {
  name: 'memory',
  title: 'host memory of an idle container, all processes and the kernel',
  peers: ['docker'],
  async measure(bench) {
    const costs = new Map([['ctr', await ourCost(bench)]])
    if (bench.peers.has('docker')) costs.set('docker', await dockerCost(bench, bench.quick ? 5 : 30))
    return {
      unit: 'KiB',
      figures: [...costs].map(([name, cost]) => figureOf(name, cost, bench.containers)),
      target: { of: 'docker', factor: 0.1 },
      notes: [
        `at ${bench.containers} containers: processes (proportional set size), kernel, and the part of the engine of each`,
        ...[...costs].map(([name, cost]) => describe(name, cost)),
      ],
      details: Object.fromEntries(costs),
    }
  },
}

async function ourCost({ workshop: { runtime, image }, containers, signal }: Bench): Promise<Cost> {
  const script = fileURLToPath(new URL('idle-worker.mjs', import.meta.url))
  const worker = fork(script, [runtime.root, runtime.state, image], { execArgv: ['--enable-source-maps'] })
  const order = async (start: number): Promise<WorkerAnswer> => {
    worker.send({ start } satisfies WorkerOrder)
    const ended = once(worker, 'exit').then(() =>
      Promise.reject(new Error('the process of the containers has ended')),
    )
    const [answer] = (await Promise.race([once(worker, 'message'), ended])) as [WorkerAnswer]
    if (answer.failure !== undefined) throw new Error(`cannot start idle containers: ${answer.failure}`)
    return answer
  }
  try {
    const first = await order(1) // loads everything that is loaded once
    const engine = [worker.pid!]
    const before = await look(engine, first.pids)
    signal.throwIfAborted()
    const { pids, tookMs } = await order(containers)
    const after = await look(engine, pids)
    return costOf(before, after, { containers, startMs: tookMs / containers })
  } finally {
    if (worker.connected) await order(0).catch(() => worker.kill())
  }
}

async function dockerCost({ peers, signal }: Bench, containers: number): Promise<Cost> {
  const lookAround = async (): Promise<Look> => {
    const ids = await peers.run(
      `docker ps -q --filter label=${peers.mark} | xargs -r docker inspect -f '{{.State.Pid}}'`,
    )
    const pids = ids.split('\n').filter(Boolean).map(Number)
    return await look(processesNamed(dockerPrograms.engine), [
      ...processesNamed(dockerPrograms.others),
      ...pids,
    ])
  }
  try {
    await peers.startIdle('docker', `${peers.mark}-idle-0`, '--network none')
    const before = await lookAround()
    const began = performance.now()
    for (let n = 1; n <= containers; n++) {
      signal.throwIfAborted()
      await peers.startIdle('docker', `${peers.mark}-idle-${n}`, '--network none')
    }
    const startMs = (performance.now() - began) / containers
    const after = await lookAround()
    return costOf(before, after, { containers, startMs })
  } finally {
    await peers.removeContainers()
  }
}

/** Memory at one moment, in KiB. */
interface Look extends MachineMemory {
  readonly engine: number
  /** Processes of containers, and those that go with them. */
  readonly others: number
}

async function look(engine: readonly number[], others: readonly number[]): Promise<Look> {
  const machine = await machineMemory()
  return { ...machine, engine: proportionalMemory(engine), others: proportionalMemory(others) }
}

function costOf(before: Look, after: Look, known: Pick<Cost, 'containers' | 'startMs'>): Cost {
  const each = (growth: number): number => growth / known.containers
  const enginePerContainer = each(after.engine - before.engine)
  return {
    ...known,
    engine: before.engine,
    enginePerContainer,
    processesPerContainer: enginePerContainer + each(after.others - before.others),
    kernelPerContainer: each(after.kernel - before.kernel),
    availablePerContainer: each(before.available - after.available),
  }
}

function figureOf(name: string, cost: Cost, containers: number): Figure {
  const each = cost.processesPerContainer + cost.kernelPerContainer + cost.engine / containers
  return { name, median: each, p10: each, p90: each, count: 1 }
}

function describe(name: string, cost: Cost): string {
  const { processesPerContainer, enginePerContainer, kernelPerContainer, availablePerContainer } = cost
  const parts = [processesPerContainer, enginePerContainer, kernelPerContainer, availablePerContainer]
  const [processes, growth, kernel, available] = parts.map((kib) => Math.round(kib))
  return (
    `${name}, ${cost.containers} measured: processes ${processes} KiB (${growth} of them in the engine), kernel ${kernel} KiB each ` +
    `(available memory fell by ${available} KiB each); engine ${Math.round(cost.engine / 1024)} MiB`
  )
}
