import { randomBytes, randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from '@jest/globals'
import type { LayerSource } from '@ctr/overlay'
import { describeOn, leakCheck } from '@ctr/testing'
import { ended } from './ctrjs.js'
import { setUpPull } from './pull-suite.js'

leakCheck()

/** Kills in one run of the tests; a longer one can be asked for. */
const kills = Number(process.env['CTR_KILLS'] ?? 12)

describeOn(['root', 'overlay'], 'ctrjs pull and images prune, killed at any instant', () => {
  // as small as it can be for a kill to hit each step of a pull: every kill is followed by a check that unpacks all again
  const suite = setUpPull(() => [files(150, 300), files(2, 1_000_000), files(150, 300)])

  /** How long a command takes. */
  async function msOf(...args: string[]): Promise<number> {
    const began = performance.now()
    expect(await suite.ctrjs.run(...args)).toMatchObject({ code: 0, stderr: '' })
    return performance.now() - began
  }

  it.each([
    ['pull', ['pull', '-q']],
    ['prune', ['images', 'prune', '--all', '--force']],
  ] as const)(
    `have whole images or none, and lose no space: ${kills} instants of %s`,
    async (what, command) => {
      const { ctrjs, image } = suite
      const args = what === 'pull' ? [...command, image] : command
      await ctrjs.run('pull', '-q', image)
      if (what === 'pull') await ctrjs.run('rmi', image)
      const startMs = await msOf('--version')
      const wholeMs = await msOf(...args)
      let killed = 0
      let count = 0
      for (let kill = 0; kill < kills; kill += 1) {
        if (what === 'prune') expect(await ctrjs.run('pull', '-q', image)).toMatchObject({ code: 0 })
        else if (count > 0) expect(await ctrjs.run('rmi', image)).toMatchObject({ code: 0 })
        const child = ctrjs.start(...args)
        const end = ended(child)
        // nothing is done before the program is loaded, and load on the machine makes any of this longer
        await sleep(randomInt(Math.floor(startMs / 2), Math.ceil(Math.max(startMs, wholeMs)) + 1))
        killed += child.kill('SIGKILL') ? 1 : 0
        await end
        count = await suite.countWhole()
      }
      expect(killed).toBeGreaterThan(0)
      // one that is let end takes up what the others have left, and what it has made can be removed to the last byte
      expect(await ctrjs.run('pull', '-q', image)).toMatchObject({ code: 0, stderr: '' })
      expect(await suite.countWhole()).toBe(1)
      await suite.removeWhole(image)
    },
    120_000 + kills * 60_000,
  )

  it('do not disturb each other: the same image by several at once, one of them killed', async () => {
    const { ctrjs, image } = suite
    const all = Array.from({ length: 3 }, () => ctrjs.start('pull', '-q', image))
    const ends = all.map((child) => ended(child))
    await sleep(randomInt(1, 1000))
    all[0]!.kill('SIGKILL')
    const [, second, third] = await Promise.all(ends)
    for (const end of [second, third]) expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(await suite.countWhole()).toBe(1)
    await suite.removeWhole(image)
  }, 120_000)
})

function files(count: number, size: number): LayerSource[] {
  return Array.from({ length: count }, (_, index) => ({
    type: 'file',
    path: `folder-${index % 20}/file-${index}`,
    content: randomBytes(size), // which nothing makes smaller
  }))
}
