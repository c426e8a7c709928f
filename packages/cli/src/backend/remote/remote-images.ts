import { CliError, needsRuntime } from '../../errors.js'
import type { BackendImages } from '../backend.js'
import type { HistoryRow } from '../rows.js'
import type { DaemonClient } from './daemon-client.js'
import { imagePath, splitName } from './image-path.js'
import { jsonLines } from './json-lines.js'
import { platformFor } from './platform.js'
import { imageRow, type ListedImage } from './remote-rows.js'

interface Removed {
  readonly Untagged?: string
  readonly Deleted?: string
}

interface Step {
  readonly Id: string
  /** Seconds since 1970. */
  readonly Created: number
  readonly CreatedBy: string
  readonly Size: number
  readonly Comment: string
}

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
    remove: async (name, { force, platforms }) => {
      const asked: string[] = []
      for (const one of platforms) asked.push(JSON.stringify(await platformFor(client, one, 'remove', 50)))
      const query = { force, ...(asked.length > 0 && { platforms: asked }) }
      const done = await client.json<readonly Removed[]>('DELETE', imagePath(name), { query })
      return done.map(({ Untagged, Deleted }) =>
        Untagged === undefined ? `Deleted: ${Deleted ?? ''}` : `Untagged: ${Untagged}`,
      )
    },
    history: async (name, platform) => {
      const query = { platform: await platformFor(client, platform, 'show the history of') }
      const steps = await client.json<readonly Step[]>('GET', `${imagePath(name)}/history`, { query })
      return steps.map(historyRow)
    },
    prune: async (all, filters) => {
      const { ImagesDeleted, SpaceReclaimed } = await client.json<{
        readonly ImagesDeleted: readonly Removed[] | null
        readonly SpaceReclaimed?: number
      }>('POST', '/images/prune', { query: { filters: { ...filters, dangling: [String(!all)] } } })
      const removed = (ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
        Untagged === undefined ? `deleted: ${Deleted ?? ''}` : `untagged: ${Untagged}`,
      )
      return { removed, bytes: SpaceReclaimed }
    },
    save: async (names, { format, platform, signal }) => {
      if (format !== 'docker') throw needsRuntime('save images as an OCI layout alone')
      const query = { names, platform: await platformFor(client, platform, 'save') }
      return await client.stream('GET', '/images/get', { query, signal })
    },
    saveLayout: () => Promise.reject(needsRuntime('save images as a folder')),
    load: async (archive, { platform, signal }) => {
      const query = { quiet: true, platform: await platformFor(client, platform, 'load') }
      const answer = await client.stream('POST', '/images/load', { query, upload: archive, signal })
      return await loaded(answer)
    },
    loadLayout: () => Promise.reject(needsRuntime('load a folder')),
    import: async (source, { reference, changes, message, platform, signal }) => {
      const { repository, tag } = reference === undefined ? {} : splitName(reference)
      const isUrl = typeof source === 'string'
      const answer = await client.stream('POST', '/images/create', {
        query: {
          ...{ fromSrc: isUrl ? source : '-', repo: repository, tag, message, platform },
          changes: changes ?? [],
        },
        ...{ upload: isUrl ? undefined : source, signal },
      })
      return await lastStatus(answer)
    },
  }
}

function historyRow({ Id, Created, CreatedBy, Size, Comment }: Step): HistoryRow {
  return {
    id: Id === '<missing>' ? undefined : Id,
    createdAt: Created * 1000,
    createdBy: CreatedBy,
    size: Size,
    comment: Comment,
  }
}

interface Told {
  readonly stream?: string
  readonly status?: string
  readonly error?: string
}

async function loaded(answer: AsyncIterable<Buffer>): Promise<readonly string[]> {
  const lines: string[] = []
  for await (const { stream, error } of jsonLines<Told>(answer)) {
    if (error !== undefined) throw new CliError('ERR_CLI_DAEMON', error)
    if (stream?.startsWith('Loaded image') === true) lines.push(stream.trimEnd())
  }
  return lines
}

/** The id of what was imported comes last. */
async function lastStatus(answer: AsyncIterable<Buffer>): Promise<string> {
  let last = ''
  for await (const { status, error } of jsonLines<Told>(answer)) {
    if (error !== undefined) throw new CliError('ERR_CLI_DAEMON', error)
    last = status ?? last
  }
  return last
}
