{
  "targets": [
    {
      "target_name": "vedette",
      "sources": ["<!@(node -p \"['core','binding'].flatMap((f)=>require('fs').readdirSync(f).filter((n)=>n.endsWith('.cc')).sort().map((n)=>f+'/'+n)).join(' ')\")"],
      "include_dirs": ["../node_modules/node-addon-api"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_DISABLE_DEPRECATED", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS", "NAPI_DISABLE_CPP_EXCEPTIONS"],
      "cflags_cc": [
        "-std=c++17",
        "-O3",
        "-ffp-contract=off",
        "-fvisibility=hidden",
        "-fno-exceptions",
        "-fno-rtti",
        "-Wall",
        "-Wextra"
      ],
      "cflags_cc!": ["-std=gnu++20", "-std=gnu++17"],
      "libraries": ["-ljpeg"],
      # Node unloads an addon when the last thread that loaded it ends. Its threads, thread_local memory
      # and pools live on.
      "ldflags": ["-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete", "-Wl,-rpath,'$$ORIGIN'"]
    }
  ]
}
