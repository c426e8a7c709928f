import type { NetworkInfo, Runtime } from '@ctr/runtime'
import { networkOptions } from '../../options/parse-network.js'
import { describeNetwork } from '../../output/describe-network.js'
import type { BackendNetworks } from '../backend.js'
import { unlessMissing } from '../unless-missing.js'

/** The networks of this machine's runtime. */
export function localNetworks({ networks, rootless }: Runtime): BackendNetworks {
  return {
    list: () =>
      Promise.resolve(
        networks.list().map((document: NetworkInfo) => {
          const { id, name, driver } = document
          return { id, name, driver, scope: driver === 'overlay' ? 'global' : 'local', document }
        }),
      ),
    create: async (name, flags) => (await networks.create(networkOptions(name, flags))).id,
    inspect: (name) => Promise.resolve(describeNetwork(networks.inspect(name))),
    remove: (name, force) => unlessMissing(force, networks.remove(name, { force })),
    connect: (name, container, place) => networks.connect(name, container, place),
    disconnect: (name, container) => networks.disconnect(name, container),
    prune: () => (rootless === undefined ? networks.prune() : Promise.resolve([])), // an ordinary user has none
  }
}
