import { isOverlayError } from '@ctr/overlay'
import type { Container } from '@ctr/runtime'

type ContainerSize = Awaited<ReturnType<Container['size']>>

/** What the API says of a container's files. */
export interface SizeMembers {
  readonly SizeRw: number
  readonly SizeRootFs: number
}

/**
 * Measures containers one after the other, and each once for all who ask meanwhile: reading a tree with many files is
 * work that no client may multiply.
 */
export class ContainerSizes {
  readonly #asked = new Map<string, Promise<ContainerSize>>()
  #last: Promise<unknown> = Promise.resolve()

  /** Sizes of a container; 0 of one that is removed meanwhile. */
  async of({ id, handle }: { readonly id: string; readonly handle: Container }): Promise<SizeMembers> {
    const { written, total } = await (this.#asked.get(id) ?? this.#ask(id, handle))
    return { SizeRw: written, SizeRootFs: total }
  }

  #ask(id: string, handle: Container): Promise<ContainerSize> {
    const asked = this.#last.then(() => sizeOf(handle)).finally(() => this.#asked.delete(id))
    this.#last = asked.catch(() => undefined)
    this.#asked.set(id, asked)
    return asked
  }
}

async function sizeOf(handle: Container): Promise<ContainerSize> {
  try {
    return await handle.size()
  } catch (error) {
    if (isOverlayError(error) && error.code === 'ERR_OVERLAY_NOT_FOUND') return { written: 0, total: 0 }
    throw error
  }
}
