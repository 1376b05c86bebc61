/** The recipe templates. This file lies as deep as the bundle does, so that the path is right in both. */
export const recipesFolder = new URL('../recipes/', import.meta.url);
