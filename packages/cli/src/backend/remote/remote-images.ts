import type { BackendImages } from '../backend.js'
import type { DaemonClient } from './daemon-client.js'
import { imageRow, type ListedImage } from './remote-rows.js'

/** The images of a daemon. */
export function remoteImages(client: DaemonClient): BackendImages {
  return {
    list: async (filters) =>
      (await client.json<readonly ListedImage[]>('GET', '/images/json', { query: { filters } })).map(
        imageRow,
      ),
    inspect: (name) => client.json('GET', `${imagePath(name)}/json`),
    tag: async (source, target) => {
      const { repository, tag } = splitName(target)
      await client.json('POST', `${imagePath(source)}/tag`, { query: { repo: repository, tag } })
    },
    remove: async (name) => {
      const done = await client.json<readonly { readonly Untagged?: string; readonly Deleted?: string }[]>(
        'DELETE',
        imagePath(name),
      )
      return done.map(({ Untagged, Deleted }) =>
        Untagged === undefined ? `Deleted: ${Deleted ?? ''}` : `Untagged: ${Untagged}`,
      )
    },
  }
}

/** Slashes of a name are part of the path. */
export function imagePath(name: string): string {
  return `/images/${name.split('/').map(encodeURIComponent).join('/')}`
}

/** The tag of a name stands behind a colon after the last slash. */
export function splitName(name: string): { readonly repository: string; readonly tag: string | undefined } {
  const at = name.indexOf(':', name.lastIndexOf('/') + 1)
  return at < 0
    ? { repository: name, tag: undefined }
    : { repository: name.slice(0, at), tag: name.slice(at + 1) }
}
