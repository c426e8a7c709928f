import { OciRuntime, type OciContainer } from '@ctr/runtime'
import { figuresOf, type Bench, type BenchCase, type Figure } from '../case.js'
import { prepareContainer } from '../kernel-floor.js'
import { inProcess, interleave, type Subject } from '../measure.js'
import { kernelMemory, proportionalMemory } from '../memory-use.js'
import { quoted } from '../timing-shell.js'
import { idle } from '../workload.js'

const silent = ['ignore', 'ignore', 'ignore'] as const

/** A bundle's whole life by the library, against the others' processes. */
export const ociCase: BenchCase = {
  name: 'oci',
  title: 'OCI runtime, library: create + start + wait + delete of a bundle',
  peers: ['crun', 'runc'],
  async measure(bench) {
    const runtime = runtimeOf(bench)
    const bundle = await bench.workshop.makeBundle('life', ['true'])
    let made = 0
    const ours = inProcess(async () => {
      const container = await runtime.create(`ctr-bench-${process.pid}-${made++}`, { bundle, stdio: silent })
      await container.start()
      await container.wait()
      await container.delete()
    })
    const subjects = [ours, ...peerRuns(bench, ['crun', 'runc'])]
    const plan = { rounds: bench.quick ? 3 : 40, burst: 5, signal: bench.signal }
    return {
      unit: 'ms',
      figures: figuresOf(await interleave(subjects, plan)),
      target: { of: 'crun', factor: 0.3 },
      notes: ["the peers' times are those of their processes; ours runs in a process that is there already"],
    }
  },
}

/** The executable, whose start is for the most part that of Node. */
export function ociProgramCase(program: string): BenchCase {
  return {
    name: 'oci-program',
    title: 'ctr-runtime run, whole process',
    peers: ['runc', 'crun'],
    async measure(bench) {
      const { workshop, shell, quick, signal } = bench
      const bundle = await workshop.makeBundle('program', ['true'])
      const id = `ctr-bench-${process.pid}-program`
      const call = (...args: readonly string[]): string =>
        [process.execPath, program, '--root', rootOf(bench), ...args].map(quoted).join(' ')
      const container = await runtimeOf(bench).create(`${id}-created`, { bundle, stdio: silent })
      try {
        const timed = (name: string, command: string): Subject => ({
          name,
          run: (n) => shell.time(command, n),
        })
        const subjects = [
          timed('ctr', call('run', '--bundle', bundle, id)),
          timed('ctr-runtime state', call('state', container.id)),
          timed('node -e 0', [process.execPath, '-e', '0'].map(quoted).join(' ')),
          ...peerRuns(bench, ['runc', 'crun']),
        ]
        const samples = await interleave(subjects, { rounds: quick ? 3 : 40, burst: 1, signal })
        const figures = figuresOf(samples)
        const node = figures.find(({ name }) => name === 'node -e 0')!
        const most = node.median + nodeAllowance
        return {
          unit: 'ms',
          figures: [...figures, { ...node, name: allowed, median: most, p10: most, p90: most, count: 1 }],
          target: { of: allowed, factor: 1 },
          notes: ['compiled code is kept in a file, as from the second call of a command on'],
        }
      } finally {
        await container.delete({ force: true })
      }
    },
  }
}

/** What the executable may take besides the start of Node, in milliseconds. */
const nodeAllowance = 12
const allowed = `node -e 0 and ${nodeAllowance} ms`

/** What waits to be started. */
export const ociMemoryCase: BenchCase = {
  name: 'oci-memory',
  title: 'memory of a created container that was not started',
  peers: ['crun', 'runc'],
  async measure(bench) {
    const { peers, workshop, quick } = bench
    const runtime = runtimeOf(bench)
    const bundle = await workshop.makeBundle('created', ['true'])
    const containers: OciContainer[] = []
    const count = quick ? 10 : 50
    try {
      for (let n = 0; n < count; n++) {
        containers.push(await runtime.create(`ctr-bench-${process.pid}-m${n}`, { bundle, stdio: silent }))
      }
      const pids = containers.map(({ pid }) => pid)
      const figures = [memoryFigure('ctr', proportionalMemory(pids) / count)]
      const notes = [
        'proportional set size of the process that waits (smaps_rollup); what the kernel holds for it comes on top, for all alike: ' +
          `page tables and kernel stack of ours ${kernelMemory(pids[0]!)} KiB`,
      ]
      for (const name of ['crun', 'runc'] as const) {
        if (peers.has(name)) figures.push(memoryFigure(name, await peerMemory(bench, name)))
      }
      const most = { name: 'target', median: 100, p10: 100, p90: 100, count: 1 }
      return { unit: 'KiB', figures: [...figures, most], target: { of: 'target', factor: 1 }, notes }
    } finally {
      for (const container of containers) await container.delete({ force: true })
    }
  },
}

/** Many at once by one process, against what the kernel takes for the same system calls. */
export const ociManyCase: BenchCase = {
  name: 'oci-many',
  title: '64 containers of a bundle created and started at once',
  peers: [],
  async measure(bench) {
    const runtime = runtimeOf(bench)
    const bundle = await bench.workshop.makeBundle('many', idle)
    const ours: Subject = {
      name: 'ctr',
      run: () =>
        timedTogether((id) => {
          let container: OciContainer | undefined
          return Promise.resolve({
            run: async () => {
              container = await runtime.create(id, { bundle, stdio: silent })
              await container.start()
            },
            [Symbol.asyncDispose]: async () => {
              await container?.delete({ force: true })
            },
          })
        }),
    }
    const floor: Subject = { name: 'kernel', run: () => timedTogether((id) => prepareContainer(bundle, id)) }
    const plan = { rounds: bench.quick ? 2 : 15, burst: 1, signal: bench.signal }
    return {
      unit: 'ms',
      figures: figuresOf(await interleave([ours, floor], plan)),
      target: { of: 'kernel', factor: 1.3 },
      notes: [
        'until all execute their commands; one that fails fails the case',
        'kernel: the same clone, mounts and credentials, as programs that were made before, started from as many threads; without ids, records, gates, and the making of cgroups',
      ],
    }
  },
}

interface Runnable extends AsyncDisposable {
  run(): Promise<void>
}

const many = 64

/** Prepares many, times how long all take to run, and removes them. */
async function timedTogether(prepare: (id: string) => Promise<Runnable>): Promise<readonly number[]> {
  const prepared: Runnable[] = []
  try {
    for (let n = 0; n < many; n++) prepared.push(await prepare(`ctr-bench-${process.pid}-n${n}`))
    const began = performance.now()
    const ended = await Promise.allSettled(prepared.map((one) => one.run()))
    const took = performance.now() - began
    const failed = ended.find(({ status }) => status === 'rejected')
    if (failed?.status === 'rejected') throw failed.reason
    return [took]
  } finally {
    for (const one of prepared) await one[Symbol.asyncDispose]()
  }
}

function rootOf({ workshop }: Bench): string {
  return `${workshop.state}/oci`
}

function runtimeOf(bench: Bench): OciRuntime {
  return OciRuntime.open({ root: rootOf(bench) })
}

function peerRuns({ peers }: Bench, names: readonly ('crun' | 'runc')[]): Subject[] {
  return names
    .filter((name) => peers.has(name))
    .map((name) => ({
      name,
      run: (n) => peers.shell.time(`${name} run --bundle ${peers.bundle('true')} ${peers.mark}-${name}`, n),
    }))
}

async function peerMemory({ peers }: Bench, name: 'crun' | 'runc'): Promise<number> {
  const id = `${peers.mark}-created`
  await peers.run(`${name} create --bundle ${peers.bundle('true')} ${id} </dev/null >/dev/null 2>&1`)
  try {
    const answer = await peers.run(`${name} state ${id}`)
    return proportionalMemory([(JSON.parse(answer) as { pid: number }).pid])
  } finally {
    await peers.run(`${name} delete --force ${id}`)
  }
}

function memoryFigure(name: string, kib: number): Figure {
  return { name, median: kib, p10: kib, p90: kib, count: 1 }
}
