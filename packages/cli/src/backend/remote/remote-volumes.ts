import { CliError } from '../../errors.js'
import type { BackendVolumes } from '../backend.js'
import { speaks } from './api-version.js'
import type { DaemonClient } from './daemon-client.js'
import { set } from './set.js'

interface ListedVolume {
  readonly Name: string
  readonly Driver: string
  readonly Labels?: Readonly<Record<string, string>> | null
}

/** The volumes of a daemon. */
export function remoteVolumes(client: DaemonClient): BackendVolumes {
  const pathOf = (name: string): string => `/volumes/${encodeURIComponent(name)}`
  return {
    list: async (filters) => {
      const { Volumes } = await client.json<{ readonly Volumes: readonly ListedVolume[] | null }>(
        'GET',
        '/volumes',
        { query: { filters } },
      )
      return (Volumes ?? []).map((document) => {
        const { Name, Driver, Labels } = document
        return { name: Name, driver: Driver, labels: Labels ?? {}, users: undefined, document }
      })
    },
    create: async ({ name, driver, labels, options }) => {
      const body = set({ Name: name, Driver: driver, Labels: labels, DriverOpts: options })
      return (await client.json<{ readonly Name: string }>('POST', '/volumes/create', { body })).Name
    },
    inspect: (name) => client.json('GET', pathOf(name)),
    remove: async (name, force) => {
      await client.json('DELETE', pathOf(name), { query: { force } })
    },
    prune: async (all, filters) => {
      const { VolumesDeleted, SpaceReclaimed } = await client.json<{
        readonly VolumesDeleted: readonly string[] | null
        readonly SpaceReclaimed?: number
      }>('POST', '/volumes/prune', { query: { filters: { ...filters, ...(await allFilter(client, all)) } } })
      return { removed: VolumesDeleted ?? [], bytes: SpaceReclaimed }
    },
  }
}

/** Before version 1.42 of the API, daemons remove all that nobody uses, and have no word for less. */
async function allFilter(client: DaemonClient, all: boolean): Promise<object> {
  if (await speaks(client, 42)) return all ? { all: ['true'] } : {}
  if (all) return {}
  throw new CliError(
    'ERR_CLI_REFUSED',
    'cannot prune anonymous volumes alone: this daemon removes those with names, too; give --all if that is wanted',
  )
}
