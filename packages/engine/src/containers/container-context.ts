import type { Container, Runtime, StartContainerOptions } from '@ctr/runtime'
import type { ContainerLog } from '../logs/container-log.js'
import type { LogSource } from '../logs/source.js'
import type { ContainerDocument } from '../state/container-document.js'
import type { DocumentStore } from '../state/document-store.js'

/** A container, as far as those around it need to know. */
export interface ContainerIdentity {
  readonly id: string
  readonly name: string
  readonly document: ContainerDocument
  readonly handle: Container
}

/** What a container has of the engine around it. */
export interface ContainerContext {
  readonly runtime: Runtime
  readonly documents: DocumentStore<ContainerDocument>
  /** Folder of its named pipes. */
  pipesFolder(id: string): string
  /** File about its health probe. */
  probePath(id: string): string
  /** Its log, by the driver that it was made with. */
  openLog(type: string, source: LogSource): ContainerLog
  emit(container: ContainerIdentity, action: string, attributes: Readonly<Record<string, string>>): void
  /** Tells of a volume that was made or removed with it. */
  emitVolume(action: 'create' | 'destroy', name: string): void
  /** Tells of its networks and volumes, that it begins or ends to use them. */
  emitUse(container: ContainerIdentity, begins: boolean): void
  /** A health probe has ended. */
  probed(isWell: boolean): void
  /** What a container is started with for its links; throws where those whose namespaces it shares do not run. */
  linkedNames(id: string): Pick<StartContainerOptions, 'env' | 'extraHosts'>
  /** It is no more: its document, its log, its place in the list. */
  forget(container: ContainerIdentity): void
  /** Told of what no client is told. */
  onError(error: unknown): void
  /** The daemon ends: nothing is started any more. */
  isClosing(): boolean
}
