import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { OciRuntime } from '../../src/index.js'
import { Arena, type Change } from '../support/arena.js'

jest.setTimeout(60_000)
leakCheck({ settleMs: 10_000 })

describeOn(['root', 'bin:busybox'], 'a hook without a time limit that never ends', () => {
  let arena: Arena
  beforeAll(() => {
    arena = new Arena()
    mkdirSync(join(arena.path, 'state'))
  })
  afterAll(() => {
    arena[Symbol.dispose]()
  })

  /** It and what it has started tell their process ids. */
  const hanging =
    (kind: string, file: string): Change =>
    (config) => ({
      ...config,
      hooks: { [kind]: [{ path: '/bin/sh', args: ['sh', '-c', `sleep 600 & echo $$ $! > ${file}; wait`] }] },
    })

  /** Another command, which knows nothing of the one that hangs. */
  const another = (): OciRuntime => OciRuntime.open({ root: join(arena.path, 'state') })

  it.each(['prestart', 'createRuntime', 'createContainer'])(
    'does not keep a container of %s hooks from being deleted by force',
    async (kind) => {
      const file = join(arena.path, `${kind}.pids`)
      const made = arena.create('true', hanging(kind, file))
      const failed = expect(made).rejects.toMatchObject({
        code: 'ERR_RUNTIME_HOOK',
        message: expect.stringMatching(/the process of the container has ended|signal: killed/),
      })
      const pids = await pidsIn(file)
      const [box] = another().list()
      await box!.delete({ force: true })
      await failed
      expect(readdirSync(join(arena.path, 'state'))).toEqual([])
      // the numbers of one inside the container are not ours
      if (kind !== 'createContainer') await ended(pids)
    },
  )

  it('leaves a container to others while it follows its start', async () => {
    const file = join(arena.path, 'poststart.pids')
    const { container, bundle } = await arena.create('sleep 600', hanging('poststart', file))
    const started = container.start()
    const failed = expect(started).rejects.toMatchObject({ code: 'ERR_RUNTIME_HOOK' })
    const [hook] = await pidsIn(file)
    const found = another().container(container.id)
    expect(found.state().status).toBe('running')
    await found.update({ pids: { limit: 100 } })
    await found.delete({ force: true })
    expect(readdirSync(join(arena.path, 'state'))).toEqual([])
    const anew = await another().create(container.id, { bundle, stdio: ['ignore', 'ignore', 'ignore'] })
    process.kill(-hook!, 'SIGKILL')
    await failed
    expect(anew.state().status).toBe('created') // the failure was that of the one before
    await anew.delete({ force: true })
  })
})

/** Resolves when processes have ended; whoever has taken the orphans over may reap them later. */
async function ended(pids: readonly number[]): Promise<void> {
  const running = (): readonly number[] => pids.filter((pid) => !['', 'Z', 'X'].includes(stateOf(pid)))
  for (let attempt = 0; attempt < 3000 && running().length > 0; attempt++) await sleep(20)
  expect(running()).toEqual([])
}

function stateOf(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? ''
  } catch {
    return ''
  }
}

async function pidsIn(file: string): Promise<number[]> {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    if (text.endsWith('\n')) return text.trim().split(' ').map(Number)
    await sleep(20)
  }
  throw new Error(`nothing was written to ${file}`)
}
