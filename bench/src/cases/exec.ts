import { figuresOf, type BenchCase } from '../case.js'
import { inProcess, interleave, type Subject } from '../measure.js'
import { idle, limitFlags, limits } from '../workload.js'

/** One more program in a container that runs. */
export const execCase: BenchCase = {
  name: 'exec',
  title: "container.exec(['true']) + wait",
  peers: ['crun', 'podman', 'docker'],
  async measure({ peers, workshop: { runtime, image }, quick, signal }) {
    await using container = await runtime.run({ image, command: idle, network: 'none', ...limits })
    const id = `${peers.mark}-exec`
    const subjects: Subject[] = [
      inProcess(async () => {
        const child = await container.exec(['true'], { stdout: 'ignore', stderr: 'ignore' })
        await child.wait()
      }),
    ]
    try {
      if (peers.has('crun')) {
        await peers.run(`crun run --detach --bundle ${peers.bundle('idle')} ${id} </dev/null >/dev/null 2>&1`)
        subjects.push({ name: 'crun', run: (n) => peers.shell.time(`crun exec ${id} true`, n) })
      }
      for (const name of ['podman', 'docker'] as const) {
        if (!peers.has(name)) continue
        await peers.startIdle(name, id, `--network none ${limitFlags}`)
        subjects.push({ name, burst: 1, run: (n) => peers.shell.time(`${name} exec ${id} true`, n) })
      }
      const samples = await interleave(subjects, { rounds: quick ? 3 : 40, burst: 5, signal })
      return { unit: 'ms', figures: figuresOf(samples), target: { of: 'docker', factor: 0.15 } }
    } finally {
      await peers.removeContainers()
    }
  },
}
