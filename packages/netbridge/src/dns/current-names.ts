import type { PeerList } from '../overlay/peer-list.js'
import type { EndpointRecords } from '../state/endpoint-records.js'
import type { NetworkRecord } from '../state/network-record.js'
import { NameTable } from './name-table.js'

/**
 * The names of a network as its records have them now, whichever process has written them, and other hosts of it. They are read anew when
 * the folder has changed, which is asked for each question: that takes a system call.
 */
export function currentNames(
  record: NetworkRecord,
  endpoints: EndpointRecords,
  peers?: PeerList,
): () => NameTable {
  let read: { readonly stamp: string; readonly table: NameTable } | undefined
  return () => {
    const stamp = `${endpoints.stamp()} ${peers?.stamp() ?? ''}`
    if (read === undefined || read.stamp !== stamp) {
      const remote = peers?.get().flatMap((peer) => peer.endpoints) ?? []
      const table = new NameTable(record.name, record.subnet, [...endpoints.list(), ...remote])
      read = { stamp, table }
    }
    return read.table
  }
}
