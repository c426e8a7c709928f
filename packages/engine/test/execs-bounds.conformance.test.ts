import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { beforeAll, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { ExecSessions } from '../src/containers/exec-sessions.js'
import { image, needs, setUp } from './support/suite.js'

leakCheck()
jest.setTimeout(60_000)

describeOn(needs, 'what exec keeps', () => {
  const suite = setUp()
  let client: Docker
  const run = (name: string): Promise<string> =>
    suite.ok('run', '-d', '--name', name, '--network', 'none', image, 'sleep', '1000000')
  const make = (name: string, options: Docker.ExecCreateOptions = {}): Promise<Docker.Exec> =>
    client.getContainer(name).exec({ Cmd: ['true'], ...options })
  const start = (exec: Docker.Exec): Promise<unknown> => exec.start({ Detach: true })
  /** Less than what the kernel takes for a program. */
  const large = { Env: Array.from({ length: 16 }, (_, n) => `V${n}=${'x'.repeat(100_000)}`) }

  beforeAll(async () => {
    client = new Docker({ socketPath: suite.socket })
    await run('stays')
  })

  it('has a bound in bytes, and room again once they are started or their container ends', async () => {
    await run('ends')
    const made: Docker.Exec[] = []
    const tooMany = expect.objectContaining({
      statusCode: 429,
      message: expect.stringMatching(
        /cannot make another exec: it has 32\d{5} bytes, .* of 67108864; start them/,
      ) as unknown,
    }) as unknown
    await expect(
      (async () => {
        for (;;) made.push(await make(made.length === 0 ? 'stays' : 'ends', large))
      })(),
    ).rejects.toEqual(tooMany)
    expect(made.length).toBe(20)
    await make('stays') // a small one
    await start(made[0]!)
    made.push(await make('ends', large))
    await expect(make('ends', large)).rejects.toEqual(tooMany)
    await suite.ok('rm', '-f', 'ends')
    for (let n = 0; n < 20; n++) await make('stays', large)
    await expect(make('stays', large)).rejects.toEqual(tooMany)
    await expect(made[1]!.inspect()).rejects.toMatchObject({ statusCode: 404 })
    await suite.ok('restart', '-t', '0', 'stays')
  })

  it('keeps nothing that it does not know, and tells of long commands in short', async () => {
    const more = { Other: 'y'.repeat(3_000_000) } as Docker.ExecCreateOptions
    for (let n = 0; n < 30; n++) await make('stays', more)
    await make('stays', { Cmd: ['echo', 'z'.repeat(1_000_000)] })
    const told = (await suite.pastEvents('{{.Action}}')).filter((line) => line.includes('zzz'))
    expect(told).toEqual([`exec_create: echo ${'z'.repeat(4091)}...`])
  })

  it('has a bound in number of those that were not started', async () => {
    await suite.ok('restart', '-t', '0', 'stays')
    const ids: Docker.Exec[] = []
    for (let n = 0; n < 1000; n++) ids.push(await make('stays'))
    await expect(make('stays')).rejects.toMatchObject({
      statusCode: 429,
      message: expect.stringContaining(
        'cannot make another exec: 1000 were made and not started; start them',
      ) as unknown,
    })
    await start(ids[0]!)
    await make('stays')
    await suite.ok('restart', '-t', '0', 'stays')
    await start(await make('stays'))
  })

  it('forgets those that are over after a while, as Docker, and none that run or may be started', async () => {
    const execs = new ExecSessions({ ended: () => undefined, onError: console.error }, { keptMs: 100 })
    const container = suite.engine.containers.get('stays')
    const [over, failed, runs, waits] = [['true'], ['nosuch'], ['sleep', '1000'], ['true']].map((Cmd) =>
      execs.add(container, { Cmd }),
    ) as [ReturnType<typeof execs.add>, ...ReturnType<typeof execs.add>[]]
    await over.start({ detach: true })
    await expect(failed!.start({ detach: true })).rejects.toThrow('nosuch')
    await runs!.start({ detach: true })
    expect(execs.idsOf(container)).toContain(runs!.id)
    const gone = (id: string): boolean => {
      try {
        return execs.get(id).id !== id
      } catch {
        return true
      }
    }
    while (!gone(over.id) || !gone(failed!.id)) await sleep(20)
    await sleep(300)
    expect(execs.idsOf(container)).toEqual([runs!.id, waits!.id])
    await suite.ok('rm', '-f', 'stays')
    while (!gone(runs!.id) || !gone(waits!.id)) await sleep(20)
    execs.letGo()
  })
})
