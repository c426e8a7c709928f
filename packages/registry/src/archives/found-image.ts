import type { Descriptor } from '../manifest/descriptor.js'
import { readable } from '../store/find-image.js'
import type { Reference } from '../reference/reference.js'

/** An image of an archive whose blobs are stored. */
export interface FoundImage {
  /** Its manifest or index. */
  readonly descriptor: Descriptor
  readonly names: readonly Reference[]
}

/** Where containerd and Docker keep the whole name of an image; OCI's own annotation often has the tag alone. */
export const imageNameAnnotation = 'io.containerd.image.name'

/** A name as an archive has it. A bare word may be a tag or a repository, so it is no name. */
export function nameIn(text: string | undefined): Reference | undefined {
  return text !== undefined && /[/:]/.test(text) ? readable(text) : undefined
}
