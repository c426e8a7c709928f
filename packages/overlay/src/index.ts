/**
 * Content-addressed image layers and overlay root file systems.
 *
 * - {@link LayerStore}: layers unpacked from tar archives into folders, found by their diffID.
 * - {@link RootFilesystem}: a stack of layers with a writable upper layer of its own.
 * - {@link mountOverlay} and {@link MountedRoot}: the stack as one mounted tree.
 * - {@link VolumeStore}: files that outlive containers.
 * - {@link packLayer}: a deterministic layer out of files of the host.
 * - {@link packTree}: a whole tree as a tar.
 * - {@link readFileIn}, {@link packInside}, {@link unpackInside}: files in and out of a tree that one does not trust.
 *
 * @packageDocumentation
 */
export { LayerStore } from './store/layer-store.js'
export type {
  AddLayerOptions,
  CleanupResult,
  CreateRootOptions,
  LayerStoreOptions,
} from './store/layer-store-options.js'
export type { StoreUserNamespace } from './ids/user-namespace.js'
export type { IdRange, OwnerMaps } from './ids/inside-ids.js'
export type { StorageLimit, StorageUse } from './quota/storage-limit.js'
export type { Layer } from './store/layer-folder.js'
export { RootFilesystem } from './store/root-filesystem.js'
export type { Change } from './store/changes.js'
export { overlayParameters, type OverlayDescription, type OverlayParameter } from './mount/description.js'
export { mountIdmapped } from './mount/mount-idmapped.js'
export type { MountStrategy } from './mount/strategy.js'
export { findStrategy, type FoundStrategy } from './store/find-strategy.js'
export { mountFuse } from './mount/mount-fuse.js'
export { mountOverlay } from './mount/mount-overlay.js'
export { MountedRoot, type UnmountOptions } from './mount/mounted-root.js'
export {
  packLayer,
  type PackedLayer,
  type PackLayerOptions,
  type PackedLayerDigests,
} from './pack/pack-layer.js'
export { packTree, type PackTreeOptions } from './pack/pack-tree.js'
export { folderEntries } from './pack/folder-entries.js'
export type { LayerSource } from './pack/layer-source.js'
export { openInside } from './files/open-inside.js'
export { readFileIn, type ReadFileInOptions } from './files/read-file-in.js'
export { packInside, statInside, type PackedPath, type PackInsideOptions } from './copy/pack-inside.js'
export { makeFolderInside, unpackInside, type UnpackInsideOptions } from './copy/unpack-inside.js'
export type { FileStatus } from './copy/place.js'
export { removeTree } from './files/remove-tree.js'
export { defaultLayerLimits, type LayerLimits } from './archive/limits.js'
export { VolumeStore, type CreateVolumeOptions, type VolumeStoreOptions } from './volumes/volume-store.js'
export type { Volume, VolumeRecord } from './volumes/volume.js'
export { isOverlayError, OverlayError, type OverlayErrorCode } from './errors.js'
export type { VolumeMount } from './volumes/volume-mount.js'
