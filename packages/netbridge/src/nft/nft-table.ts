import { parseIpv4, type Subnet } from '../address/ipv4.js'
import { isNetbridgeError, NetbridgeError } from '../errors.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import type { PublishedPort } from '../ports.js'
import { bridgeElement, insideElement, portAtKey, portKey, subnetElements, targetValue } from './elements.js'
import { addRuleset, BRIDGES, INSIDE, PORTS, PORTS_AT, SUBNETS } from './ruleset.js'
import { NftTransaction, type Element } from './transaction.js'

/** A network as the table knows it. */
export interface TableNetwork {
  readonly bridge: string
  readonly subnet: Subnet
}

/** Published ports and the address of the container that they lead to. */
export interface Publication {
  readonly address: string
  readonly ports: readonly PublishedPort[]
}

/** The one nftables table of an instance. Every change is one transaction. */
export class NftTable {
  readonly #name: string
  readonly #socket: NetlinkSocket

  /** @param socket - A `NETLINK_NETFILTER` socket; stays the caller's. */
  constructor(name: string, socket: NetlinkSocket) {
    this.#name = name
    this.#socket = socket
  }

  /**
   * Makes the table with everything that shall be in it.
   *
   * @returns False when it is there already; it is not changed then.
   */
  create(networks: readonly TableNetwork[], publications: readonly Publication[]): boolean {
    const transaction = addRuleset(new NftTransaction(this.#name))
    for (const network of networks) addNetwork(transaction, network)
    for (const publication of publications) addPublication(transaction, publication)
    return this.#unless('EEXIST', transaction)
  }

  /**
   * Adds a network, if it is not there.
   *
   * @returns False when the table is gone.
   */
  addNetwork(network: TableNetwork): boolean {
    return this.#unless('ENOENT', addNetwork(new NftTransaction(this.#name), network))
  }

  /** Removes a network, if it is there. */
  removeNetwork({ bridge, subnet }: TableNetwork): void {
    this.#unless('ENOENT', new NftTransaction(this.#name).deleteElements(SUBNETS, subnetElements(subnet)))
    this.#unless('ENOENT', new NftTransaction(this.#name).deleteElements(INSIDE, [insideElement(bridge)]))
    this.#unless('ENOENT', new NftTransaction(this.#name).deleteElements(BRIDGES, [bridgeElement(bridge)]))
  }

  /**
   * Publishes ports.
   *
   * @returns False when the table is gone.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PORT_TAKEN` when one of them leads elsewhere already.
   */
  publish(publication: Publication): boolean {
    try {
      return this.#unless('ENOENT', addPublication(new NftTransaction(this.#name), publication))
    } catch (error) {
      if (!isNetbridgeError(error) || !['EEXIST', 'EBUSY'].includes(error.errnoCode ?? '')) throw error
      const ports = publication.ports.map(({ hostIp, host, protocol }) => `${hostIp}:${host}/${protocol}`)
      throw new NetbridgeError(
        'ERR_NETBRIDGE_PORT_TAKEN',
        `cannot publish ${ports.join(', ')}: address already in use (in nftables table ${this.#name})`,
        { cause: error },
      )
    }
  }

  /** Takes published ports back; those that are not there do not matter. */
  unpublish(ports: readonly PublishedPort[]): void {
    if (ports.length === 0 || this.#unless('ENOENT', removePorts(new NftTransaction(this.#name), ports)))
      return
    if (ports.length > 1) for (const port of ports) this.unpublish([port]) // one was missing: all came back
  }

  /** Deletes the table, if it is there. */
  delete(): void {
    this.#unless('ENOENT', new NftTransaction(this.#name).deleteTable())
  }

  #unless(errnoCode: string, transaction: NftTransaction): boolean {
    try {
      transaction.commit(this.#socket)
      return true
    } catch (error) {
      if (isNetbridgeError(error) && error.errnoCode === errnoCode) return false
      throw error
    }
  }
}

function addNetwork(transaction: NftTransaction, { bridge, subnet }: TableNetwork): NftTransaction {
  return transaction
    .addElements(BRIDGES, [bridgeElement(bridge)])
    .addElements(INSIDE, [insideElement(bridge)])
    .addElements(SUBNETS, subnetElements(subnet))
}

function addPublication(transaction: NftTransaction, { address, ports }: Publication): NftTransaction {
  const target = parseIpv4(address) ?? 0
  const [everywhere, somewhere] = portElements(ports, (port) => targetValue(target, port.container))
  return transaction.addElements(PORTS, everywhere).addElements(PORTS_AT, somewhere)
}

function removePorts(transaction: NftTransaction, ports: readonly PublishedPort[]): NftTransaction {
  const [everywhere, somewhere] = portElements(ports, () => undefined)
  return transaction.deleteElements(PORTS, everywhere).deleteElements(PORTS_AT, somewhere)
}

function portElements(
  ports: readonly PublishedPort[],
  valueOf: (port: PublishedPort) => Uint8Array | undefined,
): [everywhere: Element[], somewhere: Element[]] {
  const everywhere: Element[] = []
  const somewhere: Element[] = []
  for (const port of ports) {
    const address = parseIpv4(port.hostIp) ?? 0
    const list = address === 0 ? everywhere : somewhere
    const key =
      address === 0 ? portKey(port.protocol, port.host) : portAtKey(address, port.protocol, port.host)
    const data = valueOf(port)
    list.push(data === undefined ? { key } : { key, data })
  }
  return [everywhere, somewhere]
}
