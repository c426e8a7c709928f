import { formatReference, isRegistryError, parseReference, type StoredImage } from '@ctr/registry'

/** Whether what people type is one of an image's names, not its id. */
export function isNameOf({ references }: StoredImage, wanted: string): boolean {
  try {
    return references.includes(wanted) || references.includes(formatReference(parseReference(wanted)))
  } catch (error) {
    if (isRegistryError(error)) return false
    throw error
  }
}
