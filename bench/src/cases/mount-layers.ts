import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { LayerStore, packLayer } from '@ctr/overlay'
import { figuresOf, type BenchCase } from '../case.js'
import { inProcess, interleave } from '../measure.js'

const layers = 128

/** A root on many layers: mounted at a path, and unmounted. */
export const mountLayersCase: BenchCase = {
  name: 'mount-layers',
  title: `@ctr/overlay: mount and unmount of a root on ${layers} layers`,
  peers: [],
  async measure({ workshop: { folder }, quick, signal }) {
    const store = await LayerStore.open(join(folder, 'mount-layers'), { durable: false })
    const diffIds: string[] = []
    for (let index = 0; index < layers; index += 1) {
      const files = [{ type: 'file', path: `folder/file-${index}`, content: `${index}` }] as const
      diffIds.push((await store.add(packLayer(files, { compression: 'none' }).stream)).diffId)
    }
    const place = join(folder, 'mount-layers-here')
    mkdirSync(place)
    const root = await store.createRoot('many', { layers: diffIds })
    try {
      const subject = inProcess(async () => {
        const mounted = root.attach(place)
        await mounted.unmount()
      })
      const figures = figuresOf(await interleave([subject], { rounds: quick ? 2 : 10, burst: 20, signal }))
      return { unit: 'ms' as const, figures, target: { atMost: 2 } }
    } finally {
      await root.remove()
    }
  },
}
