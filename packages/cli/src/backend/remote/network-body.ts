import { parsePairs } from '../../options/parse-pairs.js'
import { subnetsOf, type CreateNetworkFlags } from '../../options/parse-network.js'
import { set } from './set.js'

/** The body of `POST /networks/create`. What drivers are there, and which options they have, is for the daemon to say. */
export function networkBody(name: string, flags: CreateNetworkFlags): Record<string, unknown> {
  const subnets = subnetsOf(flags)
  return set({
    Name: name,
    Driver: flags.driver ?? 'bridge',
    EnableIPv6: flags.ipv6,
    Internal: flags.internal,
    Attachable: flags.attachable,
    ConfigFrom: flags.configFrom === undefined ? undefined : { Network: flags.configFrom },
    ConfigOnly: flags.configOnly,
    Labels: parsePairs(flags.label ?? [], '--label'),
    Options: parsePairs(flags.opt ?? [], '-o, --opt'),
    IPAM:
      subnets.length === 0 && flags.ipamDriver === undefined && flags.ipamOpt === undefined
        ? undefined
        : set({
            Driver: flags.ipamDriver ?? 'default',
            Options: flags.ipamOpt && parsePairs(flags.ipamOpt, '--ipam-opt'),
            Config: subnets.map(({ subnet, gateway, range, aux = {} }) =>
              set({
                Subnet: subnet,
                Gateway: gateway,
                IPRange: range,
                AuxiliaryAddresses: Object.keys(aux).length === 0 ? undefined : aux,
              }),
            ),
          }),
  })
}
