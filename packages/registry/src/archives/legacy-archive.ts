import type { BlobStore } from '../blobs/blob-store.js'
import type { Expected } from '../blobs/verify.js'
import { parseImageConfig } from '../manifest/image-config.js'
import { isObject, objectAt, parseJsonObject, stringAt, type JsonObject } from '../manifest/json-shape.js'
import { damaged, shown, type ArchiveContent } from './archive-content.js'
import { assemble } from './docker-archive.js'
import { nameIn, type FoundImage } from './found-image.js'

/** The longest chain of parents; Docker had 127. */
const maxLayers = 512

/**
 * Images of an archive as `docker save` wrote it before version 1.10: `repositories` leads to the uppermost
 * layer of an image, and `ID/json` of every layer to its parent. `undefined` when it is none.
 */
export async function legacyImages(
  blobs: BlobStore,
  content: ArchiveContent,
): Promise<readonly FoundImage[] | undefined> {
  const bytes = await content.read('repositories')
  if (bytes === undefined) return undefined
  const found: FoundImage[] = []
  for (const [repository, tags] of Object.entries(parseJsonObject(bytes.toString('utf8'), 'repositories'))) {
    for (const [tag, id] of Object.entries(objectAt(tags, `repositories ${shown(repository)}`))) {
      const name = nameIn(`${repository}:${tag}`)
      if (name === undefined) throw damaged(`${shown(`${repository}:${tag}`)} is no name of an image`)
      const descriptor = await fromChain(blobs, content, stringAt(id, `repositories ${shown(repository)}`))
      found.push({ descriptor, names: [name] })
    }
  }
  return found
}

async function fromChain(
  blobs: BlobStore,
  content: ArchiveContent,
  top: string,
): Promise<FoundImage['descriptor']> {
  const layers: Expected[] = []
  const history: JsonObject[] = []
  let first: JsonObject | undefined
  const seen = new Set<string>()
  for (let id: string | undefined = top; id !== undefined;) {
    if (!/^[0-9a-f]{64}$/.test(id)) throw damaged(`${shown(id)} is no id of a layer`)
    if (seen.has(id) || seen.size === maxLayers) throw damaged('its layers have no end')
    seen.add(id)
    const text = await content.read(`${id}/json`)
    if (text === undefined) throw damaged(`it lacks ${shown(`${id}/json`)}`)
    const json = parseJsonObject(text.toString('utf8'), `${id}/json`)
    first ??= json
    layers.unshift(content.get(`${id}/layer.tar`))
    const { created, author } = json
    history.unshift({ created, author, created_by: commandOf(json) })
    const { parent } = json
    id = parent === undefined || parent === '' ? undefined : stringAt(parent, `${id}/json parent`)
  }
  const { architecture = 'amd64', os = 'linux', config, created, author } = first ?? {}
  const rootfs = { type: 'layers', diff_ids: layers.map(({ digest }) => digest) }
  const encoded = Buffer.from(
    JSON.stringify({
      architecture,
      os,
      config: isObject(config) ? config : {},
      created,
      author,
      history,
      rootfs,
    }),
  )
  const parsed = parseImageConfig(encoded)
  return await assemble(blobs, { stored: await blobs.put(encoded), parsed }, layers)
}

function commandOf(json: JsonObject): string | undefined {
  const { container_config: made } = json
  const command = isObject(made) ? made['Cmd'] : undefined
  return Array.isArray(command) ? command.join(' ') : undefined
}
