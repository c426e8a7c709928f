import type { CredentialSource, ImageProgress, RegistryClientOptions, SignaturePolicy } from '@ctr/registry'

/** How to pull an image. */
export interface PullImageOptions {
  /** `os/architecture[/variant]`. Default: this machine's. */
  readonly platform?: string | undefined
  /** All that the index has; this machine's is unpacked. Default: the one of `platform`. */
  readonly platforms?: 'all' | undefined
  /** Whether it is taken, by its signatures. Default: as the runtime was told. */
  readonly policy?: SignaturePolicy | undefined
  /** Signatures at hand, as parsed sigstore bundles, besides those that the registry has. */
  readonly bundles?: readonly unknown[] | undefined
  /** How the registry is reached. Default: as the runtime was told. */
  readonly registries?: RegistryClientOptions | undefined
  /** Default: what `~/.docker/config.json` has for the registry, else anonymous. */
  readonly credentials?: CredentialSource | undefined
  readonly signal?: AbortSignal | undefined
  /** Told of every step, download and unpacking. */
  readonly onProgress?: ((event: ImageProgress | UnpackProgress) => void) | undefined
}

/** How to push an image. */
export interface PushImageOptions {
  /** Of an image with all platforms, this one alone. Default: the whole index. */
  readonly platform?: string | undefined
  /** How the registry is reached. Default: as the runtime was told. */
  readonly registries?: RegistryClientOptions | undefined
  /** Default: what `~/.docker/config.json` has for the registry, else anonymous. */
  readonly credentials?: CredentialSource | undefined
  readonly signal?: AbortSignal | undefined
  /** Told of every step and upload. */
  readonly onProgress?: ((event: ImageProgress) => void) | undefined
}

/** A layer was unpacked. */
export interface UnpackProgress {
  readonly kind: 'unpacked'
  readonly diffId: string
}
