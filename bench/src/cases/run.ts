import { figuresOf, type Bench, type BenchCase } from '../case.js'
import { inProcess, interleave, type Subject } from '../measure.js'
import { quoted } from '../timing-shell.js'
import { limitFlags, limits } from '../workload.js'

const silent = { stdout: 'ignore', stderr: 'ignore' } as const

/** A whole container without a network, against the same bundle. */
export const runCase: BenchCase = {
  name: 'run',
  title: 'runtime.run + wait + remove, no network',
  peers: ['crun', 'runc'],
  async measure(bench) {
    const touching = {
      ...ours(bench, 'none', ['touch', '/written']),
      name: 'ctr with a root that is written to',
    }
    const subjects = [ours(bench, 'none'), touching, ...bundleRuns(bench, ['crun', 'runc'])]
    const plan = { rounds: bench.quick ? 3 : 40, burst: 5, signal: bench.signal }
    return {
      unit: 'ms',
      figures: figuresOf(await interleave(subjects, plan)),
      target: { of: 'crun', factor: 0.35 },
      notes: [
        'ours has an overlay root that the container before did not write to, which is used again; where each container writes a file, a new one is made and removed each time; crun and runc use the same tree as a plain folder, and make no overlay',
        'locks and network state of ours lie on a tmpfs where there is one, as those of the peers do',
        "the peers' times are those of their processes; ours runs in a process that is there already",
      ],
    }
  },
}

/** A container on the bridge with a published port. */
export const bridgeCase: BenchCase = {
  name: 'bridge',
  title: 'the same on the bridge with a published port',
  peers: ['crun', 'podman', 'docker'],
  async measure(bench) {
    const { peers } = bench
    const engines = (['podman', 'docker'] as const)
      .filter((name) => peers.has(name))
      .map((name): Subject => ({
        name,
        burst: 1,
        run: (n) =>
          peers.shell.time(
            `${name} run --rm --label ${peers.mark} -p 80 ${limitFlags} ${peers.image} true`,
            n,
          ),
      }))
    const subjects = [ours(bench, 'bridge'), ...bundleRuns(bench, ['crun']), ...engines]
    const plan = { rounds: bench.quick ? 2 : 25, burst: 5, signal: bench.signal }
    return {
      unit: 'ms',
      figures: figuresOf(await interleave(subjects, plan)),
      target: { of: 'crun', factor: 0.8 },
      notes: [
        'crun without any network; podman and docker on their default bridge with a published port',
        'ours uses an overlay root again that was not written to, as in the case before',
      ],
    }
  },
}

/** The command line, as a whole process. */
export function cliCase(program: string): BenchCase {
  return {
    name: 'cli',
    title: 'ctrjs run --rm --network none IMAGE true, whole process',
    peers: ['podman', 'docker'],
    async measure({ peers, workshop, shell, quick, signal }) {
      const { root, state } = workshop.runtime
      const command = [
        process.execPath,
        program,
        '--root',
        root,
        '--state',
        state,
        'run',
        '--rm',
        '--network',
        'none',
      ]
      const subjects: Subject[] = [
        {
          name: 'ctr',
          run: (n) => shell.time([...command, workshop.image, 'true'].map(quoted).join(' '), n),
        },
        ...(['podman', 'docker'] as const)
          .filter((name) => peers.has(name))
          .map((name) => ({
            name,
            run: (n: number) =>
              peers.shell.time(
                `${name} run --rm --label ${peers.mark} --network none ${peers.image} true`,
                n,
              ),
          })),
      ]
      const samples = await interleave(subjects, { rounds: quick ? 2 : 30, burst: 1, signal })
      return { unit: 'ms', figures: figuresOf(samples), target: { of: 'podman', factor: 0.5 } }
    },
  }
}

function ours(
  { workshop: { runtime, image } }: Bench,
  network: 'none' | 'bridge',
  command: readonly string[] = ['true'],
): Subject {
  const publish = network === 'bridge' ? [{ container: 80 }] : []
  return inProcess(async () => {
    const container = await runtime.run({ image, command, network, publish, ...limits, ...silent })
    await container.wait()
    await container.remove()
  })
}

function bundleRuns({ peers }: Bench, names: readonly ('crun' | 'runc')[]): Subject[] {
  return names
    .filter((name) => peers.has(name))
    .map((name) => ({
      name,
      run: (n) => peers.shell.time(`${name} run --bundle ${peers.bundle('true')} ${peers.mark}-${name}`, n),
    }))
}
