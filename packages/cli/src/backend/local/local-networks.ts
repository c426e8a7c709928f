import type { NetworkInfo, Runtime } from '@ctr/runtime'
import { networkOptions } from '../../options/parse-network.js'
import { describeNetwork } from '../../output/describe-network.js'
import type { BackendNetworks } from '../backend.js'
import type { NetworkRow } from '../rows.js'
import { unlessMissing } from '../unless-missing.js'
import { matchNetworks, pruneFilter, type Prunable } from './filters.js'

/** The networks of this machine's runtime. */
export function localNetworks({ networks, rootless }: Runtime): BackendNetworks {
  return {
    list: (filters) => Promise.resolve(matchNetworks(networks.list().map(networkRow), filters)),
    create: async (name, flags) => (await networks.create(networkOptions(name, flags))).id,
    inspect: (name) => Promise.resolve(describeNetwork(networks.inspect(name))),
    remove: (name, force) => unlessMissing(force, networks.remove(name, { force })),
    connect: (name, container, place) => networks.connect(name, container, place),
    disconnect: (name, container) => networks.disconnect(name, container),
    prune: async (filters) => {
      const isAsked = pruneFilter(filters)
      const only = isAsked && ((network: NetworkInfo) => isAsked(prunable(network)))
      return rootless === undefined ? await networks.prune({ only }) : [] // an ordinary user has none
    },
  }
}

function networkRow(document: NetworkInfo): NetworkRow {
  const { id, name, driver, labels } = document
  return { id, name, driver, scope: driver === 'overlay' ? 'global' : 'local', labels, document }
}

function prunable({ labels, createdAt }: NetworkInfo): Prunable {
  return { labels, createdAt: Date.parse(createdAt) }
}
