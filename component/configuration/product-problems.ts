import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** Products that name a model that is not there, and rules for products that their camera does not have. */
export function productProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  const models = { ...mapAt(tree, 'models'), ...mapAt(tree, 'chains') };
  const cameras = mapAt(tree, 'cameras');
  const productsOf = (camera: unknown): ConfigurationTree =>
    typeof camera === 'string' ? mapAt(mapAt(cameras, camera), 'products') : {};
  const ofModels = Object.keys(cameras).flatMap((camera) =>
    Object.entries(productsOf(camera)).flatMap(([code, product]) => {
      const model = isMap(product) ? product['model'] : undefined;
      if (typeof model !== 'string' || Object.hasOwn(models, model)) return [];
      return [
        {
          path: `cameras.${camera}.products.${code}.model`,
          message: `names the model ${JSON.stringify(model)}, but ${listed(models)}`,
        },
      ];
    }),
  );
  const ofRules = Object.entries(mapAt(tree, 'rules')).flatMap(([name, rule]) => {
    const { product, camera } = isMap(rule) ? rule : {};
    const products = productsOf(camera);
    if (typeof product !== 'string' || Object.hasOwn(products, product)) return [];
    return [
      {
        path: `rules.${name}.product`,
        message: `names the product ${JSON.stringify(product)}, but in \`cameras.${String(camera)}.products\` ${listed(products)}`,
      },
    ];
  });
  return [...ofModels, ...ofRules];
}

function listed(map: ConfigurationTree): string {
  const names = Object.keys(map);
  return names.length === 0 ? 'none is configured' : `configured are ${names.join(', ')}`;
}
