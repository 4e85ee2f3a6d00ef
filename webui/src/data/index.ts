export { resource, type Resource, type ResourceOptions, type ResourceState } from './resource.svelte';
