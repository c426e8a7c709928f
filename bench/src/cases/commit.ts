import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayerStore, packLayer } from '@ctr/overlay'
import type { BenchCase } from '../case.js'
import { summarize } from '../statistics.js'

const files = 10_000

/** A layer of what was changed in a root. */
export const commitCase: BenchCase = {
  name: 'commit',
  title: '@ctr/overlay: commit of 10,000 changed files (the other figure: the list of changes)',
  peers: [],
  async measure({ workshop: { folder }, quick, signal }) {
    const times = { commit: [] as number[], changes: [] as number[] }
    for (let round = 0; round < (quick ? 2 : 5); round += 1) {
      signal.throwIfAborted()
      const store = await LayerStore.open(join(folder, `commit-${round}`))
      const base = await store.add(packLayer([{ type: 'file', path: 'base', content: 'x' }]).stream)
      const root = await store.createRoot('changed', { layers: [base.diffId] })
      for (let index = 0; index < files; index += 1) {
        const inside = join(root.description.upper!, `d${index % 100}`)
        if (index < 100) mkdirSync(inside)
        writeFileSync(join(inside, `f${index}`), `${round} ${index} `.repeat(100))
      }
      times.changes.push(await timed(() => root.changes()))
      times.commit.push(await timed(() => store.commit('changed')))
    }
    return {
      unit: 'ms',
      figures: [
        { name: 'ctr', ...summarize(times.commit) },
        { name: 'changes', ...summarize(times.changes) },
      ],
      notes: ['the layer is packed, hashed, unpacked into the store and synced'],
    }
  },
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
