import type { LoadedImage, StoredImage } from '@ctr/registry'
import type { Runtime } from '@ctr/runtime'
import { describeImage } from '../../output/describe.js'
import { shortName } from '../../output/image-name.js'
import type { BackendImages } from '../backend.js'
import type { HistoryRow } from '../rows.js'
import { matchImages, pruneFilter, type Prunable } from './filters.js'
import { imageRow } from './local-rows.js'

/** The images of this machine's runtime. */
export function localImages({ images }: Runtime): BackendImages {
  return {
    list: async (filters) => {
      const rows = (await images.list()).map(imageRow)
      return matchImages(
        rows.sort((a, b) => (b.createdAt ?? 0) - (a.createdAt ?? 0)),
        filters,
      )
    },
    inspect: async (name) => describeImage(await images.get(name)),
    tag: (source, target) => images.tag(source, target),
    remove: async (name, { platforms }) => {
      for (const platform of platforms) await images.get(name, { platform }) // all of them, or none is removed
      const lines: string[] = []
      for (const platform of platforms.length === 0 ? [undefined] : platforms) {
        const { untagged, deleted } = await images.remove(name, { platform })
        lines.push(
          ...untagged.map((reference) => `Untagged: ${shortName(reference)}`),
          ...deleted.map((digest) => `Deleted: ${digest}`),
        )
      }
      return lines
    },
    history: async (name, platform) => historyOf(await images.get(name, { platform })),
    prune: async (all, filters) => {
      const isAsked = pruneFilter(filters)
      const only = isAsked && ((image: StoredImage) => isAsked(prunable(image)))
      const { untagged, blobs, layers, bytes } = await images.prune({ all, only })
      return {
        removed: [
          ...untagged.map((name) => `untagged: ${name}`),
          ...[...blobs, ...layers].map((digest) => `deleted: ${digest}`),
        ],
        bytes,
      }
    },
    save: (names, options) => images.save(names, options),
    saveLayout: (names, folder, options) => images.saveLayout(names, folder, options),
    load: async (archive, options) => linesOf(await images.load(archive, options)),
    loadLayout: async (folder, options) => linesOf(await images.loadLayout(folder, options)),
    import: async (source, options) => (await images.import(source, options)).id,
  }
}

/** An image that does not say when it was made is as old as can be. */
function prunable({ config }: StoredImage): Prunable {
  return { labels: config.config.Labels ?? {}, createdAt: Date.parse(config.created ?? '1970-01-01') }
}

function linesOf(loaded: readonly LoadedImage[]): readonly string[] {
  return loaded.flatMap(({ id, loadedNames }) =>
    loadedNames.length === 0
      ? [`Loaded image ID: ${id}`]
      : loadedNames.map((name) => `Loaded image: ${shortName(name)}`),
  )
}

function historyOf({ id, config, layers }: StoredImage): readonly HistoryRow[] {
  let layer = 0
  const rows = config.history.map(({ created, created_by, comment, empty_layer }, n): HistoryRow => {
    const createdAt = Date.parse(created ?? '')
    return {
      id: n === config.history.length - 1 ? id : undefined,
      createdAt: Number.isNaN(createdAt) ? undefined : createdAt,
      createdBy: created_by ?? '',
      size: empty_layer === true ? 0 : (layers[layer++]?.descriptor.size ?? 0),
      comment: comment ?? '',
    }
  })
  return rows.reverse()
}
