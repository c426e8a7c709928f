import type { Volume } from '@ctr/overlay'
import type { Runtime } from '@ctr/runtime'
import { CliError, needsDaemon } from '../../errors.js'
import { parseStorage } from '../../options/parse-storage.js'
import type { BackendVolumes } from '../backend.js'
import { matchVolumes, pruneFilter } from './filters.js'

/** The volumes of this machine's runtime. */
export function localVolumes({ volumes }: Runtime): BackendVolumes {
  const found = (name: string): NonNullable<ReturnType<typeof volumes.get>> => {
    const volume = volumes.get(name)
    if (volume === undefined) throw new CliError('ERR_CLI_USAGE', `no such volume: ${name}`)
    return volume
  }
  return {
    list: (filters) => {
      const rows = volumes.list().map((volume) => {
        const { name, anonymous, labels, createdAt, path } = volume
        const users = volume.users()
        const document = { name, anonymous, labels, createdAt, path, users }
        return { name, driver: 'local', labels, users: users.length, document }
      })
      return Promise.resolve(matchVolumes(rows, filters))
    },
    create: async ({ name, driver, labels, options }) => {
      if (driver !== 'local') throw needsDaemon('use drivers of volumes')
      return (await volumes.create(name, { labels, storage: parseStorage(options, '-o, --opt') })).name
    },
    inspect: (name) => {
      const { createdAt, labels, path } = found(name)
      const driver = { Driver: 'local', Labels: labels, Mountpoint: path }
      return Promise.resolve({ CreatedAt: createdAt, ...driver, Name: name, Options: null, Scope: 'local' })
    },
    remove: async (name, force) => {
      if (!force) found(name)
      await volumes.remove(name)
    },
    prune: async (all, filters) => {
      const isAsked = pruneFilter(filters, ['label', 'label!'])
      const only = isAsked && ((volume: Volume) => isAsked({ labels: volume.labels, createdAt: 0 }))
      return { removed: await volumes.prune({ all, only }), bytes: undefined }
    },
  }
}
