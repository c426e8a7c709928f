import { isNetbridgeError, NetbridgeError } from '../errors.js'
import type { NetlinkSocket } from '../netlink/netlink-socket.js'
import type { PublishedPort } from '../ports.js'
import { bridgeElement, insideElement, subnetElements } from './elements.js'
import { portElements, type Publication } from './port-elements.js'
import { addRuleset } from './ruleset.js'
import { addSenderRules, senderElements, type Sender } from './senders.js'
import { BRIDGES, INSIDE, INTERNAL, MEMBERS, MEMBERS6, SUBNETS, SUBNETS6 } from './sets.js'
import { NftTransaction, type Element } from './transaction.js'

/** A network as the table knows it. */
export interface TableNetwork {
  readonly bridge: string
  /** In CIDR form, of both families. */
  readonly subnets: readonly string[]
  /** What leaves it gets the host's address. */
  readonly masquerade: boolean
  /** Its containers reach each other. */
  readonly icc: boolean
  /** Nothing leads in or out. */
  readonly internal: boolean
}

/** Everything that is to be in the tables. */
export interface TableContent {
  readonly networks: readonly TableNetwork[]
  readonly publications: readonly Publication[]
  /** Endpoints that may send as themselves only. */
  readonly senders: readonly Sender[]
}

/** What elements are added to: a transaction, or a list of what there ought to be. */
export interface ElementSink {
  readonly in: (family: 'inet' | 'bridge') => ElementSink
  readonly addElements: (set: string, elements: readonly Element[]) => unknown
}

/** Adds all that the sets and maps of the tables are to have in them. */
export function addContent(sink: ElementSink, { networks, publications, senders }: TableContent): void {
  for (const network of networks) addNetwork(sink, network)
  for (const publication of publications) addPublication(sink, publication)
  const bridge = sink.in('bridge')
  for (const sender of senders) addSender(bridge, sender)
}

/**
 * The nftables table of an instance, and the second one of the same name and the family `bridge`, which is there when
 * senders are checked. Every change is one transaction.
 */
export class NftTable {
  readonly name: string
  readonly #socket: NetlinkSocket

  /** @param socket - A `NETLINK_NETFILTER` socket; stays the caller's. */
  constructor(name: string, socket: NetlinkSocket) {
    this.name = name
    this.#socket = socket
  }

  /** Makes the tables with everything that shall be in them, in place of those that are there. */
  replace(content: TableContent): void {
    const transaction = addRuleset(new NftTransaction(this.name).createTable().deleteTable())
    if (content.senders.length > 0) addSenderRules(transaction.in('bridge').createTable().deleteTable())
    addContent(transaction.in('inet'), content)
    transaction.commit(this.#socket)
  }

  /**
   * Adds a network, if it is not there.
   *
   * @returns False when the table is gone.
   */
  addNetwork(network: TableNetwork): boolean {
    return this.#unless('ENOENT', addNetwork(new NftTransaction(this.name), network))
  }

  /** Removes a network, if it is there. */
  removeNetwork({ bridge, subnets }: TableNetwork): void {
    for (const subnet of subnets) for (const set of setsOf(subnet)) this.#delete(set, subnetElements(subnet))
    this.#delete(INSIDE, [insideElement(bridge)])
    this.#delete(INTERNAL, [bridgeElement(bridge)])
    this.#delete(BRIDGES, [bridgeElement(bridge)])
  }

  /**
   * Publishes ports.
   *
   * @returns False when the table is gone.
   * @throws {@link NetbridgeError} `ERR_NETBRIDGE_PORT_TAKEN` when one of them leads elsewhere already.
   */
  publish(publication: Publication): boolean {
    try {
      return this.#unless('ENOENT', addPublication(new NftTransaction(this.name), publication))
    } catch (error) {
      if (!isNetbridgeError(error) || !['EEXIST', 'EBUSY'].includes(error.errnoCode ?? '')) throw error
      const ports = publication.ports.map(({ hostIp, host, protocol }) => `${hostIp}:${host}/${protocol}`)
      throw new NetbridgeError(
        'ERR_NETBRIDGE_PORT_TAKEN',
        `cannot publish ${ports.join(', ')}: address already in use (in nftables table ${this.name})`,
        { cause: error },
      )
    }
  }

  /**
   * Takes published ports back; those that are not there do not matter.
   *
   * @param ipv6 - They may lead to an IPv6 address.
   */
  unpublish(ports: readonly PublishedPort[], ipv6: boolean): void {
    for (const map of portElements(ports, undefined, ipv6)) this.#delete(...map)
  }

  /**
   * Lets a link send as itself only.
   *
   * @returns False when there is no table for that.
   */
  guard(sender: Sender): boolean {
    return this.#unless('ENOENT', addSender(new NftTransaction(this.name).in('bridge'), sender))
  }

  /** The link is gone. */
  unguard(sender: Sender): void {
    for (const [set, elements] of senderElements(sender)) this.#delete(set, elements, 'bridge')
  }

  /** Deletes the tables, if they are there. */
  delete(): void {
    this.#unless('ENOENT', new NftTransaction(this.name).deleteTable())
    this.#unless('ENOENT', new NftTransaction(this.name).in('bridge').deleteTable())
  }

  /** All in one; when one is missing, which takes all of it back, one by one. */
  #delete(
    set: string,
    elements: Parameters<NftTransaction['deleteElements']>[1],
    family: 'inet' | 'bridge' = 'inet',
  ): void {
    if (elements.length === 0) return
    const deletion = new NftTransaction(this.name).in(family).deleteElements(set, elements)
    if (this.#unless('ENOENT', deletion) || elements.length === 1) return
    if (elements.some(({ intervalEnd }) => intervalEnd)) return
    for (const element of elements) this.#delete(set, [element], family)
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

function setsOf(subnet: string): readonly [members: string, masqueraded: string] {
  return subnet.includes(':') ? [MEMBERS6, SUBNETS6] : [MEMBERS, SUBNETS]
}

function addNetwork<Sink extends ElementSink>(transaction: Sink, network: TableNetwork): Sink {
  const { bridge, subnets, masquerade, icc, internal } = network
  transaction.addElements(BRIDGES, [bridgeElement(bridge)])
  if (icc) transaction.addElements(INSIDE, [insideElement(bridge)])
  if (internal) transaction.addElements(INTERNAL, [bridgeElement(bridge)])
  for (const subnet of subnets) {
    const [members, masqueraded] = setsOf(subnet)
    transaction.addElements(members, subnetElements(subnet))
    if (masquerade) transaction.addElements(masqueraded, subnetElements(subnet))
  }
  return transaction
}

function addPublication<Sink extends ElementSink>(
  transaction: Sink,
  { ports, ...targets }: Publication,
): Sink {
  for (const map of portElements(ports, targets)) transaction.addElements(...map)
  return transaction
}

function addSender<Sink extends ElementSink>(transaction: Sink, sender: Sender): Sink {
  for (const set of senderElements(sender)) transaction.addElements(...set)
  return transaction
}
