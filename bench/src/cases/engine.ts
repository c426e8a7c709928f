import { once } from 'node:events'
import { finished } from 'node:stream/promises'
import type Docker from 'dockerode'
import { figuresOf, type Bench, type BenchCase, type Target } from '../case.js'
import { openDaemons, type ApiDaemon } from '../daemons.js'
import { interleave, type Subject } from '../measure.js'
import { quoted } from '../timing-shell.js'
import { idle } from '../workload.js'

/** The real dockerd and podman's service take part in all. */
export const enginePeers = ['docker', 'podman'] as const

type DisposableSubject = Subject & Partial<AsyncDisposable>

/** Cases of `ctrjs daemon` that take the time of something that a client does. */
export function engineCases(program: string): readonly BenchCase[] {
  const timed = (
    { name, title, target, rounds }: Pick<BenchCase, 'name' | 'title'> & { target: Target; rounds: number },
    subjectOf: (daemon: ApiDaemon, bench: Bench) => Promise<DisposableSubject>,
  ): BenchCase => ({
    ...{ name, title, peers: enginePeers },
    async measure(bench) {
      await using daemons = await openDaemons(bench, program)
      const subjects: DisposableSubject[] = []
      try {
        for (const daemon of daemons.all) subjects.push(await subjectOf(daemon, bench))
        const plan = { rounds: bench.quick ? 3 : rounds, burst: 1, signal: bench.signal }
        return { unit: 'ms', figures: figuresOf(await interleave(subjects, plan)), target }
      } finally {
        for (const subject of subjects) await subject[Symbol.asyncDispose]?.()
      }
    },
  })
  return [
    timed(
      {
        ...{ name: 'engine-run', title: 'docker run --rm --network none IMAGE true, the docker CLI' },
        ...{ target: { of: 'docker', factor: 0.35 }, rounds: 30 },
      },
      cliRun(['--network', 'none']),
    ),
    timed(
      {
        ...{ name: 'engine-run-bridge', title: 'the same on the default bridge' },
        ...{ target: { of: 'docker', factor: 0.35 }, rounds: 20 },
      },
      cliRun([]),
    ),
    timed(
      {
        ...{ name: 'engine-create', title: 'create + start + wait + remove by dockerode, keep-alive' },
        ...{ target: { of: 'docker', factor: 0.1 }, rounds: 30 },
      },
      async (daemon) => Promise.resolve(work(daemon, () => runOnce(daemon))),
    ),
    timed(
      {
        ...{ name: 'engine-exec', title: 'exec of true by dockerode, to the end of its output' },
        ...{ target: { of: 'docker', factor: 0.2 }, rounds: 30 },
      },
      async (daemon) => {
        const container = await startIdle(daemon)
        const subject = work(daemon, () => execOnce(container))
        return { ...subject, [Symbol.asyncDispose]: () => removeNow(container) }
      },
    ),
  ]
}

function cliRun(flags: readonly string[]) {
  return ({ name, socket, image }: ApiDaemon, { shell }: Bench): Promise<Subject> => {
    const command = ['docker', '-H', `unix://${socket}`, 'run', '--rm', ...flags, image, 'true']
    return Promise.resolve({ name, run: (n) => shell.time(command.map(quoted).join(' '), n) })
  }
}

function work({ name }: ApiDaemon, once: () => Promise<unknown>): Subject {
  return {
    name,
    async run(iterations) {
      const times: number[] = []
      for (let n = 0; n < iterations; n++) {
        const began = performance.now()
        await once()
        times.push(performance.now() - began)
      }
      return times
    },
  }
}

/** A whole container, as a program has one. */
export async function runOnce(
  { client, image }: ApiDaemon,
  Cmd: readonly string[] = ['true'],
): Promise<void> {
  const container = await client.createContainer({
    ...{ Image: image, Cmd: [...Cmd], HostConfig: { NetworkMode: 'none' } },
  })
  await container.start()
  await container.wait()
  await container.remove()
}

/** A container that stays until it is removed. */
export async function startIdle({ client, image }: ApiDaemon): Promise<Docker.Container> {
  const container = await client.createContainer({
    ...{ Image: image, Cmd: [...idle], HostConfig: { NetworkMode: 'none' } },
  })
  await container.start()
  return container
}

/** Ends and removes one that runs. podman would first wait ten seconds for its program to end by itself. */
export async function removeNow(container: Docker.Container): Promise<void> {
  await container.kill()
  await container.remove({ force: true })
}

/** One more program in it, with its output to the end. */
export async function execOnce(container: Docker.Container): Promise<void> {
  const exec = await container.exec({ Cmd: ['true'], AttachStdout: true, AttachStderr: true })
  const stream = await exec.start({})
  stream.resume()
  if (!stream.readableEnded) await Promise.race([finished(stream, { writable: false }), once(stream, 'end')])
  stream.destroy()
  await exec.inspect()
}
