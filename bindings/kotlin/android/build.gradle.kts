// The package as a module of an Android project: put `include(":zephyr")` and
// `project(":zephyr").projectDir = file(".../bindings/kotlin/android")` into its settings.gradle.kts, and
// `implementation(project(":zephyr"))` into the application. Repositories and the versions of the Android and Kotlin
// plugins are the application's.
//
// Needs the Android NDK, cargo-ndk (`cargo install cargo-ndk`), and the targets
// `rustup target add aarch64-linux-android armv7-linux-androideabi x86_64-linux-android`.
//
// Not run by this repository's tests, which have no Android SDK: they run the same sources on the JVM.

plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

val checkout = projectDir.resolve("../../..")
val libraries = layout.buildDirectory.dir("jniLibs")

android {
    namespace = "io.github.zephyrmixnet"
    compileSdk = 35
    defaultConfig {
        minSdk = 26 // java.time
        consumerProguardFiles("consumer-rules.pro")
    }
    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    kotlinOptions {
        jvmTarget = "17"
    }
    sourceSets["main"].java.srcDir("../src/main/kotlin")
    sourceSets["main"].jniLibs.srcDir(libraries)
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.10.2")
    implementation("net.java.dev.jna:jna:5.17.0@aar")
}

val library by tasks.registering(Exec::class) {
    description = "Builds libzephyr_mobile for Android."
    workingDir = checkout
    commandLine(
        "cargo", "ndk", "--target", "arm64-v8a", "--target", "armeabi-v7a", "--target", "x86_64",
        "--platform", "26", "--output-dir", libraries.get().asFile.path,
        "build", "--release", "--locked", "--package", "zephyr-mobile",
    )
}

tasks.named("preBuild") { dependsOn(library) }
