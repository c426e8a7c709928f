/**
 * Images over the network and on this machine: references, a client of OCI and Docker registries, an image
 * store that is an OCI image layout, and an embedded registry server. Knows no system call and unpacks nothing.
 *
 * @packageDocumentation
 */
export {
  RegistryError,
  isRegistryError,
  type RegistryErrorCode,
  type RegistryErrorContext,
  type RegistryErrorDetail,
} from './errors.js'
export type { Reference } from './reference/reference.js'
export { parseReference } from './reference/parse-reference.js'
export { formatReference, type FormatReferenceOptions } from './reference/format-reference.js'
export { ReferencePattern } from './reference/reference-pattern.js'
export {
  digestOf,
  isDigest,
  parseDigest,
  type DigestAlgorithm,
  type ParsedDigest,
} from './manifest/digest.js'
export { mediaTypes } from './manifest/media-types.js'
export type { Descriptor } from './manifest/descriptor.js'
export {
  formatPlatform,
  hostPlatform,
  parsePlatform,
  selectPlatform,
  type Platform,
} from './manifest/platform.js'
export { isIndex, parseManifest, type ImageIndex, type ImageManifest } from './manifest/manifest.js'
export {
  parseImageConfig,
  type Healthcheck,
  type ImageConfig,
  type ImageHistory,
  type ImageRunConfig,
} from './manifest/image-config.js'
export type {
  CredentialSource,
  Credentials,
  IdentityTokenCredentials,
  PasswordCredentials,
  RegistryTokenCredentials,
} from './auth/credentials.js'
export {
  eraseDockerCredentials,
  readDockerCredentials,
  storeDockerCredentials,
  type CredentialPlace,
  type DockerConfigOptions,
} from './auth/docker-config.js'
export { checkLogin, login, logout, type LoginOptions } from './client/login.js'
export { readRegistries, type RegistriesConfig } from './config/read-registries.js'
export { readCertificates, type CertificateOptions, type TlsSettings } from './http/certificates.js'
export type { ConnectionOptions } from './http/connections.js'
export type { ProxySettings } from './http/proxy.js'
export type { Mirrors } from './client/sources.js'
export type { Insecure } from './http/plain-http.js'
export type { RetryOptions } from './http/retry.js'
export { BlobStore, type BlobStoreOptions, type StoredBlob } from './blobs/blob-store.js'
export type { ArrivingBlob } from './blobs/arriving-blob.js'
export type { BlobIngest } from './blobs/blob-ingest.js'
export type { ContentHash, MakeHash } from './blobs/content-hash.js'
export type { Expected } from './blobs/verify.js'
export {
  RegistryClient,
  type CallOptions,
  type RegistryClientOptions,
  type ResolveOptions,
} from './client/registry-client.js'
export type { BlobProgress, OnBlobProgress, FetchBlobOptions } from './client/fetch-blob.js'
export type { FetchedManifest } from './client/fetch-manifest.js'
export type { ArtifactBlob, NewArtifact } from './client/push-artifact.js'
export type { PushBlobOptions } from './client/push-blob.js'
export type { ResolvedImage } from './client/resolve-image.js'
export { ImageStore } from './store/image-store.js'
export { decompressed } from './archives/decompressed.js'
export type { SaveFormat } from './archives/write-layout.js'
export type { ArchiveLimits } from './archives/read-archive.js'
export type {
  AddOptions,
  LoadedImage,
  LoadOptions,
  PrunedBlobs,
  PullOptions,
  PushOptions,
  RemovedImage,
  RemoveImageOptions,
  SaveLayoutOptions,
  SaveOptions,
} from './store/store-options.js'
export type { BlobLayer, NewImage, StoredLayer, TarLayer } from './store/create-image.js'
export type {
  FetchedLayer,
  FetchImageOptions,
  ImageProgress,
  ManifestProgress,
  TransferOptions,
} from './store/pull-image.js'
export type { ImageLayer, StoredImage } from './store/stored-image.js'
export type { StoreCheck, StoreProblem } from './store/verify-store.js'
export { RegistryServer } from './server/registry-server.js'
export type { GarbageSchedule, RegistryServerOptions } from './server/server-options.js'
export type { CollectedGarbage, GarbageOptions } from './server/collect-garbage.js'
export type { CloseOptions, ServerTls } from './server/listener.js'
export type { MirrorOptions } from './server/mirror.js'
export type { QuotaOptions } from './server/quotas.js'
export type { SignaturePolicy, SignatureRequirement, SignedByIdentity, SignedByKey } from './trust/policy.js'
