import { spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck, type BundledProgram } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

/** Kills in one run of the tests; a longer one can be asked for. */
const kills = Number(process.env['CTR_KILLS'] ?? 12)
/** Clients at work meanwhile; as many as can be asked for. */
const clients = Number(process.env['CTR_CLIENTS'] ?? 6)

/** A daemon of its own process, on the folders of the suite. */
const program = `
import { Engine } from '@ctr/engine'
const [root, state, host] = process.argv.slice(2)
await Engine.start({ root, state, hosts: [host], onError: (error) => console.error(error) })
console.log('listening')
`

/** What clients were told. */
interface Ledger {
  /** Ids of containers that there must be: made, and no removal asked for. */
  readonly made: Set<string>
  /** Those whose removal was asked for, and not answered. */
  readonly going: Set<string>
}

/**
 * Makes, starts and removes containers, one after the other, until the daemon is gone.
 *
 * @param gone - Rejects then: dockerode waits for ever for the rest of an answer that was cut off.
 */
async function workUntilKilled(
  client: Docker,
  who: number,
  { made, going }: Ledger,
  gone: Promise<never>,
): Promise<void> {
  const answered = async <T>(request: Promise<T>): Promise<T> => await Promise.race([request, gone])
  try {
    for (let n = 0; ; n++) {
      const container = await answered(
        client.createContainer({
          Image: image,
          Cmd: n % 3 === 0 ? ['sh', '-c', 'echo hello; sleep 0.05'] : ['true'],
          Labels: { who: String(who) },
          HostConfig: { NetworkMode: who % 2 === 0 ? 'bridge' : 'none' },
        }),
      )
      made.add(container.id)
      await answered(container.start())
      if (n % 2 === 0) await answered(container.wait())
      made.delete(container.id)
      going.add(container.id)
      await answered(container.remove({ force: true }))
      going.delete(container.id)
    }
  } catch {
    // killed in the middle: what was told until then counts
  }
}

/** How many processes run a program with just this argument. */
function processesWith(argument: string): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8') === `sleep\0${argument}\0`
    } catch {
      return false
    }
  }).length
}

describeOn(needs, 'an engine that is killed at any instant, with clients at work', () => {
  let bundled: BundledProgram
  let daemon: ChildProcess

  // before the suite's own
  afterAll(async () => {
    if (daemon.exitCode === null && daemon.signalCode === null) await kill()
    bundled[Symbol.dispose]()
  })
  const suite = setUp()
  const client = (): Docker => new Docker({ socketPath: `${suite.folder}/other.sock` })

  async function start(): Promise<void> {
    const { root, state } = suite.engine.runtime
    daemon = spawn(process.execPath, [bundled.path, root, state, `unix://${suite.folder}/other.sock`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const said = await Promise.race([once(daemon.stdout!, 'data'), once(daemon, 'exit')])
    expect(String(said[0])).toBe('listening\n')
  }
  async function kill(): Promise<void> {
    const ended = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await ended
  }

  beforeAll(async () => {
    bundled = bundle(program)
    await suite.engine.containers[Symbol.asyncDispose]() // the folders are the daemon's from now on
    await start()
  })

  it(
    `loses no container and has none twice, ${kills} times, and leaves nothing`,
    async () => {
      const lasting = ['1000001', '1000002', '1000003']
      const pids = new Map<string, number>()
      for (const [index, seconds] of lasting.entries()) {
        const container = await client().createContainer({
          ...{ name: `lasting-${seconds}`, Image: image, Cmd: ['sleep', seconds] },
          HostConfig: { NetworkMode: index === 0 ? 'bridge' : 'none', RestartPolicy: { Name: 'always' } },
        })
        await container.start()
        pids.set(container.id, (await container.inspect()).State.Pid)
      }
      const ledger: Ledger = { made: new Set(pids.keys()), going: new Set() }
      for (let killed = 0; killed < kills; killed++) {
        const gone = once(daemon, 'exit').then(() => Promise.reject(new Error('the daemon was killed')))
        const work = Array.from({ length: clients }, (_, who) => workUntilKilled(client(), who, ledger, gone))
        await sleep(randomInt(0, 1500)) // an instant like any other
        await kill()
        await Promise.all(work)
        await start()
        const list = await client().listContainers({ all: true })
        const ids = list.map(({ Id }) => Id)
        expect(new Set(ids).size).toBe(ids.length)
        expect([...ledger.made].filter((id) => !ids.includes(id))).toEqual([])
        for (const [id, pid] of pids) {
          const { State } = await client().getContainer(id).inspect()
          expect([State.Status, State.Pid]).toEqual(['running', pid])
        }
        for (const seconds of lasting) expect(processesWith(seconds)).toBe(1)
        // what a killed client has left can be removed, whatever it was in the middle of
        for (const { Id } of list.filter(({ Labels }) => 'who' in Labels))
          await client().getContainer(Id).remove({ force: true })
        ledger.made.clear()
        ledger.going.clear()
        for (const id of pids.keys()) ledger.made.add(id)
      }
      for (const id of pids.keys()) await client().getContainer(id).remove({ force: true })
      expect(await client().listContainers({ all: true })).toEqual([])
      const { root, state } = suite.engine.runtime
      const left = ['containers', 'logs'].flatMap((name) => readdirSync(`${root}/engine/${name}`))
      expect([...left, ...readdirSync(`${state}/engine/pipes`)]).toEqual([])
      expect(readdirSync(`${root}/containers`)).toEqual([])
    },
    30_000 + kills * 20_000,
  )
})
